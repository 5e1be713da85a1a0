"""What only some routes do: reports read, hung and killed, audits of each format, things away."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import polars as pl

from tests.archives.documents import dicom as dicom_file
from tests.archives.documents import document as structured_report
from tests.archives.documents import item as content
from tests.archives.messages import MSH, OBR, PID, oru, tx
from tests.archives.resources import attachment
from tests.archives.resources import report as fhir_report
from tests.canary import audit_story, fhir_story, obedient, review_story
from tests.canary.house import is_empty
from tests.canary.marks import Mark
from tests.services import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.canary.exchanges import Recorder
    from tests.canary.house import House

REPORTS, AUDITS, EXTRACT = "/v1/reports", "/v1/audits", "/v1/extract"
UPLOADS, UPLOAD = "/v1/uploads", "/v1/uploads/{id}"
ONE, AUDIT = f"{REPORTS}/{{id}}", f"{AUDITS}/{{id}}"
_ROW = Mark.ROW.word
_NAME = Mark.FILE_NAME.word
UPLOADED = (f"{_NAME}.csv", f"{_NAME}.zip", f"{_NAME}-cut.parquet", f"{_NAME}.{Mark.VALUE.word}")
"""Read alone; one folder with all the others is read as well."""
TABLE = (
    f"accession,patient_id,text,study_date,{Mark.COLUMN.word}\n"
    f'1,"{Mark.PATIENT_ID.word}","Marrow oedema of the left femoral head {Mark.TEXT.word}.",2021-01-01,x\n'
    f'2,"{_ROW}","",{_ROW},"{_ROW}"\n'
    f'3,"{_ROW}","Osteopenia. {_ROW}",{_ROW},y,{_ROW},{_ROW}\n'
).encode()


def text(order: str = "", mark: Mark = Mark.TEXT) -> str:
    """Return a report with marks all over; ``order`` tells the extractor what to do with it."""
    word = mark.word
    heading = f"{Mark.HEADING.word.upper()}: none\n\n" if mark is Mark.TEXT else ""
    return (
        f"MRI LEFT HIP {word}\n\nCLINICAL HISTORY: 47-year-old man {word}, no trauma. {order}\n\n"
        f"{heading}"
        f"FINDINGS: Extensive {word} bone marrow oedema of the left femoral head ({word}).\n"
        f"Moderate joint effusion {word}. No {word} subchondral fracture line.\n\n"
        f"IMPRESSION: {word} transient osteoporosis of the left hip.\n"
    )


def body(order: str = "", mark: Mark = Mark.TEXT, *, number: int = 0) -> dict[str, Any]:
    """Return a whole report as it is posted."""
    return {
        "text": text(order, mark),
        "report_id": f"{Mark.REPORT_ID.word}-{number}",
        "source": Mark.SOURCE.word,
        "patient": {"id": Mark.PATIENT_ID.word, "age_years": 47, "sex": "M"},
        "study": {
            "modality": "MR",
            "description": f"MRI HIP {Mark.DESCRIPTION.word}",
            "date": "2021-03-04",
            "accession": f"{Mark.ACCESSION.word}-{number}",
        },
    }


def tell(house: House, recorder: Recorder) -> None:
    """Go through all of it; what was stored is deleted at the end."""
    read_reports(recorder)
    read_as_it_is(recorder)
    fhir_story.tell(recorder, text())
    extract(recorder)
    leak(house, recorder)
    for name in UPLOADED:
        upload(recorder, name, archives()[name])
    audit_sources(house, recorder)
    do_without(house, recorder)
    kill_workers(recorder)
    wait_until(lambda: is_empty(house), deadline_s=120, what="an end of all work")
    look_at_audits(recorder)
    review_an_audit(house, recorder)
    look_at_resources(recorder)
    upload_in_pieces(recorder)
    look_at_pages(recorder)
    audit_story.tell(recorder, text())
    operate(house, recorder)
    read_the_log(recorder)


def read_reports(recorder: Recorder) -> None:
    """Post reports of every fate; look them up; amend them; post them again."""
    wait = {"Prefer": "wait=20", "Idempotency-Key": Mark.IDEMPOTENCY.word}
    read = recorder.ask("POST", REPORTS, json=body(), headers=wait)
    assert read.json()["state"] == "done", read.text
    recorder.ask("POST", REPORTS, json=body(), headers=wait)
    recorder.ask("POST", REPORTS, json=body(number=1), headers=wait)
    recorder.ask("POST", REPORTS, json=body() | {"text": text() + "Amended."})
    recorder.ask("POST", REPORTS, json={"reports": [body(number=n) for n in range(2, 5)]})
    path = read.headers["location"]
    recorder.ask("GET", ONE, path=path)
    recorder.ask("GET", ONE, path=path, params={"include": "text"})
    recorder.ask("GET", REPORTS, params={"source": Mark.SOURCE.word, "page_size": 1})
    for number, order in enumerate((obedient.HANG, obedient.RAISE, obedient.GROW), start=10):
        failed = recorder.ask(
            "POST", REPORTS, json=body(order, number=number), headers={"Prefer": "wait=30"}
        )
        assert failed.json()["state"] == "failed", failed.text
    recorder.ask("DELETE", ONE, path=path)
    recorder.ask("GET", ONE, path=path)


def read_as_it_is(recorder: Recorder) -> None:
    """Send reports as bare text and as a DICOM document, whole and broken."""
    words, no_text = text().encode(), text().encode() + b"\xff"
    dicom = structured_report(content("TEXT", "Finding", TextValue=text()))
    bodies = [
        ("text/plain", words),
        ("text/plain", no_text),
        (f"text/plain; charset={Mark.VALUE.word}", no_text),
        ("application/dicom", dicom_file(dicom)),
        ("application/dicom", b"\0" * 128 + b"DICM" + words),
    ]
    for route in (REPORTS, EXTRACT):
        answers = [
            recorder.ask("POST", route, content=body, headers={"Content-Type": kind}).status_code
            for kind, body in bodies
        ]
        stored = 202 if route == REPORTS else 200
        assert answers in ([stored, 400, 400, stored, 422], [503, 400, 400, 503, 422])


def extract(recorder: Recorder) -> None:
    """Have reports read at once; one of them hangs and one makes the code fail."""
    for order in ("", obedient.RAISE, obedient.HANG, obedient.GROW):
        sent = {name: value for name, value in body(order).items() if name != "source"}
        recorder.ask("POST", EXTRACT, json=sent)
    recorder.ask("GET", "/v1/patterns")
    for route in ("/healthz/live", "/healthz/ready"):
        recorder.ask("GET", route, with_key=False)


def leak(house: House, recorder: Recorder) -> None:
    """Let out what the search has to find."""
    for order, mark in (
        (obedient.LEAK_LOG, Mark.LEAK_LOG),
        (obedient.LEAK_BROKER, Mark.LEAK_BROKER),
        (obedient.LEAK_FILE, Mark.LEAK_FILE),
    ):
        answer = recorder.ask(
            "POST", REPORTS, json={"text": text(order, mark)}, headers={"Prefer": "wait=20"}
        )
        assert answer.json()["state"] == "done", answer.text

    def is_served() -> bool:
        sent = {"text": text(obedient.LEAK_PROBLEM, Mark.LEAK_PROBLEM)}
        return recorder.ask("POST", EXTRACT, json=sent).status_code == 400

    # The thread that reads was made to hang, and is told of in the meantime as busy.
    wait_until(is_served, deadline_s=60, what="the planted problem")
    assert house.tap.heard()


def archives() -> dict[str, bytes]:
    """Return an archive of each format, each with rows that cannot be read, by its name."""
    reports = [{"id": "1", "text": text()}, {"id": _ROW, "text": 7}, {"text": ""}]
    lines = "\n".join([*map(json.dumps, reports), f'{{"text": "{_ROW}', _ROW]).encode()
    table = io.BytesIO()
    pl.DataFrame(
        {"text": [text(), "", None], "patient_id": [Mark.PATIENT_ID.word, _ROW, _ROW]}
    ).write_parquet(table)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{Mark.MEMBER.word}.txt", text())
        archive.writestr(f"../../{Mark.MEMBER.word}.txt", _ROW)
        archive.writestr(f"{Mark.MEMBER.word}.bin", _ROW.encode())
        archive.writestr(f"{Mark.MEMBER.word}-bomb.txt", b"0" * 3_000_000)
    message = oru(
        tx(text().replace("\n", "\\.br\\")), pid=PID.replace("55012", Mark.PATIENT_ID.word)
    )
    broken = MSH + f"\rOBX|{_ROW}\r" + oru(tx(""), obr=OBR.replace("ACC77", _ROW))
    resources = [
        fhir_report(presentedForm=[attachment(text())]),
        fhir_report(presentedForm=[{"contentType": _ROW, "data": f"!{_ROW}"}]),
        fhir_report(status=_ROW, presentedForm=[{"contentType": "application/pdf", "data": ""}]),
        {"resourceType": _ROW},
    ]
    name = _NAME
    return {
        f"{name}.csv": TABLE,
        f"{name}.tsv": TABLE.replace(b",", b"\t") + b'4\t"' + _ROW.encode(),
        f"{name}.csv.gz": gzip.compress(TABLE)[:-9],
        f"{name}-bare.csv": f"{_ROW},{_ROW} marrow oedema\n{_ROW},b\n".encode(),
        f"{name}.jsonl": lines,
        f"{name}.parquet": table.getvalue(),
        f"{name}-cut.parquet": _ROW.encode() * 20,
        f"{name}.zip": packed.getvalue(),
        f"{name}-cut.zip": packed.getvalue()[:-30],
        f"{name}.hl7": (message + broken + f"\r{_ROW}|{_ROW}\r").encode(),
        f"{name}.ndjson": "\n".join(map(json.dumps, resources)).encode() + f'\n{{"{_ROW}"'.encode(),
        f"{name}.json": json.dumps(resources[0]).encode()[:-40],
        f"{name}.xml": f"<DiagnosticReport><{_ROW}>{_ROW}</DiagnosticReport>".encode(),
        f"{name}.dcm": b"\0" * 128 + b"DICM" + _ROW.encode() * 5,
        f"{name}.{Mark.VALUE.word}": _ROW.encode(),
    }


def upload(recorder: Recorder, name: str, data: bytes) -> None:
    """Upload an archive."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Idempotency-Key": f"{Mark.IDEMPOTENCY.word}-{name}",
    }
    answer = recorder.ask("POST", AUDITS, content=data, headers=headers)
    assert answer.status_code == 202, answer.text


def audit_sources(house: House, recorder: Recorder) -> None:
    """Audit a folder where it lies, with a mapping; and name what may not be read."""
    folder = house.roots / Mark.FILE_NAME.word
    folder.mkdir()
    for name, data in archives().items():
        (folder / name).write_bytes(data)
    (folder / f"{Mark.MEMBER.word}.txt").write_text(text(obedient.RAISE))
    mapping = {"map": f"report_id={Mark.COLUMN.word}"}
    for path in (folder, _elsewhere(house)):
        recorder.ask("POST", AUDITS, json={"source": path.as_uri()}, params=mapping)
    recorder.ask("POST", AUDITS, json={"source": Mark.VALUE.word})
    recorder.ask("POST", AUDITS, params={"map": Mark.QUERY.word}, json={"source": "file:///x"})


def _elsewhere(house: House) -> Path:
    return house.folder / Mark.PATH.word


def do_without(house: House, recorder: Recorder) -> None:
    """Ask for everything while the database, and then while Redis, is away."""
    with house.without_database():
        for method, route in (("POST", REPORTS), ("POST", AUDITS), ("GET", REPORTS), ("GET", ONE)):
            sent = body(number=20) if method == "POST" else None
            path = route.replace("{id}", f"rep_{Mark.PATH.word}")
            recorder.ask(method, route, path=path, json=sent)
        recorder.ask("GET", "/healthz/ready", with_key=False)
    house.wait_until_ready()
    with house.without_redis():
        answer = recorder.ask("POST", REPORTS, json=body(number=21))
        assert answer.status_code == 202, answer.text


def kill_workers(recorder: Recorder) -> None:
    """Post a report that brings its process down."""
    answer = recorder.ask("POST", REPORTS, json=body(obedient.ABORT, number=30))
    assert answer.status_code == 202, answer.text


def look_at_audits(recorder: Recorder) -> None:
    """Ask for all that there is of every audit."""
    for audit in recorder.ask("GET", AUDITS).json()["audits"]:
        id_ = audit["id"]
        for rest in ("", "/events", "/cases", "/failures", "/results", "/fhir", "/report"):
            recorder.ask("GET", AUDIT + rest, path=f"{AUDITS}/{id_}{rest}")
        for rest in ("/cases", "/failures"):
            recorder.ask(
                "GET", AUDIT + rest, path=f"{AUDITS}/{id_}{rest}", params={"format": "csv"}
            )
        for form in ("csv", "ndjson"):
            recorder.ask(
                "GET", AUDIT + "/results", path=f"{AUDITS}/{id_}/results",
                params={"table": "mentions", "format": form},
            )  # fmt: skip
        recorder.ask("GET", AUDIT + "/files/{file}", path=f"{AUDITS}/{id_}/files/summary.json")
        recorder.ask("POST", AUDIT + "/cancel", path=f"{AUDITS}/{id_}/cancel")
    doomed = recorder.ask(
        "POST",
        AUDITS,
        content=TABLE,
        headers={"Content-Disposition": 'attachment; filename="a.csv"'},
    ).headers["location"]
    recorder.ask("POST", AUDIT + "/cancel", path=f"{doomed}/cancel")


def review_an_audit(house: House, recorder: Recorder) -> None:
    """Have an audit of a source reviewed, whose archive is still there to read words from."""
    path = house.roots / f"{_NAME}-reviewed.jsonl"
    reports = [
        {
            "id": f"{Mark.REPORT_ID.word}-{n}",
            "accession": f"{Mark.ACCESSION.word}-{n}",
            "text": words,
        }
        for n, words in enumerate((text(), text() + "Again.", "Clear lungs."))
    ]
    path.write_text("\n".join(map(json.dumps, reports)))
    audit = recorder.ask("POST", AUDITS, json={"source": path.as_uri()}).json()["id"]
    wait_until(lambda: is_empty(house), deadline_s=60, what="the end of the audit")
    review_story.tell(recorder, audit, house.second_token)


def look_at_resources(recorder: Recorder) -> None:
    """Ask for every report as a FHIR resource."""
    listed = recorder.ask("GET", REPORTS, params={"page_size": 200}).json()["reports"]
    fhir_story.look(recorder, [one["id"] for one in listed])


def upload_in_pieces(recorder: Recorder) -> None:
    """Send an archive piece by piece, try it dry and audit it; begin another, and give it up."""
    tus = {"Tus-Resumable": "1.0.0"}
    name = base64.b64encode(UPLOADED[0].encode()).decode()
    begin = tus | {"Upload-Length": str(len(TABLE)), "Upload-Metadata": f"filename {name}"}
    recorder.ask("OPTIONS", UPLOADS)
    given_up = recorder.ask("POST", UPLOADS, headers=begin).headers["location"]
    recorder.ask("DELETE", UPLOAD, path=given_up, headers=tus)
    path = recorder.ask("POST", UPLOADS, headers=begin).headers["location"]
    for start in (0, 100):
        piece = TABLE[start : 100 if start == 0 else None]
        sent = tus | {"Content-Type": "application/offset+octet-stream"}
        recorder.ask(
            "PATCH", UPLOAD, path=path, content=piece, headers=sent | {"Upload-Offset": str(start)}
        )
        recorder.ask("HEAD", UPLOAD, path=path, headers=tus)
    named = {"upload": path.rpartition("/")[2]}
    recorder.ask("POST", f"{AUDITS}/preview", json=named)
    answer = recorder.ask("POST", AUDITS, json=named)
    assert answer.status_code == 202, answer.text


def look_at_pages(recorder: Recorder) -> None:
    """Look at every page as a person does who has signed in."""
    for route in ("/", "/reports", "/reports.csv", "/reports.json", "/try", "/sessions"):
        recorder.ask("GET", route)
    for listed in recorder.ask("GET", REPORTS).json()["reports"]:
        recorder.ask("GET", "/reports/{id}", path=f"/reports/{listed['id']}")
    recorder.ask("POST", "/try", data={"text": text()})
    recorder.ask("GET", "/static/{name}", path="/static/marrow.css", with_key=False)
    recorder.ask("GET", "/sign-in", with_key=False)
    ours = {"Sec-Fetch-Site": "same-origin"}
    key = {"key": recorder.token}
    signed_in = recorder.ask("POST", "/sign-in", with_key=False, data=key, headers=ours)
    assert signed_in.status_code == 303, signed_in.text
    [session] = set(re.findall(r"/sessions/(\w+)/end", recorder.ask("GET", "/sessions").text))
    recorder.ask("POST", "/sessions/{id}/end", path=f"/sessions/{session}/end", headers=ours)
    recorder.ask("POST", "/sign-out", headers=ours)


def operate(house: House, recorder: Recorder) -> None:
    """Look at the queue, and have what failed read again, to fail again."""
    for route in ("/v1/operations", "/operations", "/metrics"):
        recorder.ask("GET", route)
    ours = {"Sec-Fetch-Site": "same-origin"}
    code = {"error_code": "extraction_failed"}
    again = recorder.ask("POST", "/v1/operations/requeue", json=code)
    assert again.json()["reports"] >= 1, again.text
    wait_until(lambda: is_empty(house), deadline_s=60, what="an end of all work")
    pressed = recorder.ask("POST", "/operations/requeue", data=code, headers=ours)
    assert pressed.status_code == 303, pressed.text
    wait_until(lambda: is_empty(house), deadline_s=60, what="an end of all work")


def read_the_log(recorder: Recorder) -> None:
    """Read who did all that."""
    for route in ("/v1/access-log", "/v1/access-log/head", "/access-log"):
        recorder.ask("GET", route)


def delete_all(recorder: Recorder) -> None:
    """Delete every report and every audit."""
    for collection, one in ((REPORTS, ONE), (AUDITS, AUDIT)):
        name = collection.rpartition("/")[2]
        listed = recorder.ask("GET", collection, params={"page_size": 200}).json()[name]
        for item in listed:
            recorder.ask("DELETE", one, path=f"{collection}/{item['id']}")
