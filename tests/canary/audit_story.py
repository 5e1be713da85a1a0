"""An archive of marks on the pages of audits: uploaded by a form, looked at, read, cancelled, deleted."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.canary.marks import Mark
from tests.services import wait_until

if TYPE_CHECKING:
    import httpx

    from tests.canary.exchanges import Recorder

_AUDITS, _AUDIT = "/audits", "/audits/{id}"
_OURS = {"Sec-Fetch-Site": "same-origin"}


def tell(recorder: Recorder, text: str) -> None:
    """Go through the pages of audits, with an archive of a report that is a case."""
    table = _table(text)
    for focus in ("all", "hip"):
        _look_at(recorder, _started(recorder, table, focus=focus))
    cancelled = _started(recorder, table, focus="all")
    recorder.ask("POST", f"{_AUDIT}/cancel", path=f"{_AUDITS}/{cancelled}/cancel", headers=_OURS)
    recorder.ask("POST", f"{_AUDIT}/delete", path=f"{_AUDITS}/{cancelled}/delete", headers=_OURS)
    recorder.ask("GET", _AUDITS)


def _table(text: str) -> bytes:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["accession", "patient_id", "text", "study_date", Mark.COLUMN.word])
    rows.writerow(["1", Mark.PATIENT_ID.word, text, "2021-03-04", Mark.VALUE.word])
    rows.writerow(["2", Mark.ROW.word, "", Mark.ROW.word, Mark.ROW.word])
    return out.getvalue().encode()


def _started(recorder: Recorder, table: bytes, *, focus: str) -> str:
    """Upload an archive, look at it in both ways, and return the id of its audit."""
    archive = {"archive": (f"{Mark.FILE_NAME.word}.csv", table, "text/csv")}
    uploaded = recorder.ask("POST", f"{_AUDITS}/uploads", files=archive, headers=_OURS)
    assert uploaded.status_code == 303, uploaded.text
    path = uploaded.headers["location"]
    [upload] = parse_qs(urlsplit(path).query)["upload"]
    looked = recorder.ask("GET", f"{_AUDITS}/new", path=path)
    assert looked.status_code == 200, looked.text
    chosen = {"upload": upload, "focus": focus}
    wrong = chosen | {"map": f"text={Mark.COLUMN.word}-none"}
    recorder.ask("POST", f"{_AUDITS}/new", data=wrong, headers=_OURS)
    again = recorder.ask("POST", f"{_AUDITS}/new", data=chosen, headers=_OURS)
    assert again.status_code == 200, again.text
    started = recorder.ask("POST", _AUDITS, data=chosen, headers=_OURS)
    assert started.status_code == 303, started.text
    return str(started.headers["location"].rpartition("/")[2])


@dataclass(frozen=True)
class _Audit:
    """An audit's pages."""

    recorder: Recorder
    path: str

    def see(self, part: str = "", /, **filled: Any) -> httpx.Response:
        """Ask for a page below the audit's, whose parameters are filled in."""
        path = self.path + part.format(**filled)
        return self.recorder.ask("GET", _AUDIT + part, path=path)


def _look_at(recorder: Recorder, audit: str) -> None:
    at = _Audit(recorder, f"{_AUDITS}/{audit}")
    at.see()
    wait_until(
        lambda: (
            recorder.ask("GET", "/v1/audits/{id}", path=f"/v1{at.path}").json()["state"] == "done"
        ),
        deadline_s=60,
        what="the audit",
    )
    at.see()
    at.see("/figures/{name}", name="year")
    at.see("/files/{file}", file="cases.csv")
    for part in ("/cases", "/failures"):
        at.see(part)
    cases = at.see("/cases.json").json()["cases"]
    for case in cases:
        at.see("/cases/{number}", number=case["case"])
    [row] = set(re.findall(r"/patients/(\d+)", at.see("/patients").text))
    for part in ("/patients/{row}", "/patients/{row}/timeline.svg"):
        at.see(part, row=row)
