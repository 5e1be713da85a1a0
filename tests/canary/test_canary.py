"""A marked report goes through every route and every way to fail, and nothing of it leaves the service.

Marks may stand in the database's own columns, in the files of audits, and in what a client with a
key is answered, each of the kinds that are listed here for that place. Anywhere else they are a
leak. That the search hears is shown by four leaks that the canary plants itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.canary import battery, commands, exchanges, house, story
from tests.canary.marks import PLANTED, Mark, found_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.canary.exchanges import Recorder
    from tests.canary.house import House
    from tests.services import Postgres

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("MARROW_CANARY" not in os.environ, reason="a minute: make canary"),
]

METADATA = {Mark.REPORT_ID, Mark.PATIENT_ID, Mark.ACCESSION, Mark.DESCRIPTION, Mark.SOURCE}
NAMES = {Mark.FILE_NAME, Mark.MEMBER, Mark.VALUE}
"""Names of files that a client has sent; one ends with a mark of the kind VALUE."""
ARGUMENTS = {Mark.COLUMN}
FORMS = {"/audits/new"}
"""Pages that show a form again as it was filled in, with what is wrong with it."""
WORDS = {Mark.TEXT, Mark.HEADING}
SAMPLED = NAMES | {Mark.REPORT_ID, Mark.ACCESSION}
"""By which a reviewer finds a report in the archive."""

ANSWERS: dict[str, set[Mark]] = {
    "/v1/reports": METADATA | NAMES,
    "/v1/reports/{id}": METADATA | NAMES | WORDS,
    # With `include=text` every word of the report, the planted ones as well.
    "/v1/reports/{id}/fhir": METADATA | NAMES | WORDS | PLANTED,
    "/fhir/DiagnosticReport/{id}": METADATA | NAMES | WORDS,
    "/fhir/async/{id}": METADATA | NAMES | WORDS,
    "/v1/extract": {Mark.REPORT_ID} | WORDS,
    "/v1/audits": NAMES | ARGUMENTS,
    "/v1/audits/{id}": NAMES | ARGUMENTS,
    "/v1/audits/{id}/cancel": NAMES | ARGUMENTS,
    "/v1/audits/{id}/cases": NAMES | WORDS | {Mark.PATIENT_ID},
    "/v1/audits/{id}/failures": NAMES,
    "/v1/audits/{id}/results": NAMES | WORDS | {Mark.PATIENT_ID},
    "/v1/audits/{id}/fhir": METADATA | NAMES | WORDS,
    "/v1/audits/{id}/report": NAMES | WORDS | {Mark.PATIENT_ID},
    "/v1/audits/{id}/files/{file}": NAMES,
    "/v1/audits/{id}/samples/{sample}/items": SAMPLED,
    "/v1/audits/{id}/samples/{sample}/items/{item}": SAMPLED | WORDS,
    "/v1/audits/{id}/samples/{sample}/items/{item}/decision": SAMPLED,
    "/v1/audits/{id}/samples/{sample}/disagreements": SAMPLED,
    "/audits": NAMES,
    "/audits/new": NAMES | ARGUMENTS,
    "/audits/{id}": NAMES,
    "/audits/{id}/cases": NAMES | WORDS | {Mark.PATIENT_ID},
    "/audits/{id}/cases.json": NAMES | WORDS | {Mark.PATIENT_ID},
    "/audits/{id}/cases/{number}": NAMES | WORDS | {Mark.PATIENT_ID},
    "/audits/{id}/failures": NAMES,
    "/audits/{id}/patients": NAMES | {Mark.PATIENT_ID},
    "/audits/{id}/patients/{row}": NAMES | {Mark.PATIENT_ID},
    "/audits/{id}/files/{file}": NAMES | WORDS | {Mark.PATIENT_ID},
    "/audits/{id}/review": NAMES,
    "/audits/{id}/review/{sample}": SAMPLED | WORDS,
    "/audits/{id}/review/{sample}/disagreements": SAMPLED | WORDS,
    "/v1/audits/preview": NAMES | ARGUMENTS,
    "/reports": METADATA | NAMES,
    "/reports.csv": METADATA | NAMES,
    "/reports.json": METADATA | NAMES,
    "/reports/{id}": METADATA | NAMES | WORDS | PLANTED,
    # The form shows again what was pasted.
    "/try": WORDS | {Mark.BODY},
}
"""What a served request may be answered with, by its route; a route that is not here: nothing."""

ELSEWHERE = {"/sign-in/oidc", "/sign-in/oidc/callback"}
"""Routes that serve only who has a provider of accounts: tests/api/test_oidc.py."""

COLUMNS: dict[str, set[Mark]] = {
    "reports.text": WORDS | PLANTED,
    "reports.source": {Mark.SOURCE},
    # `marrow submit` calls the report of a text file by the file's name.
    "reports.report_id": {Mark.REPORT_ID} | NAMES,
    "reports.series": {Mark.ACCESSION, Mark.REPORT_ID} | NAMES,
    "reports.patient_id": {Mark.PATIENT_ID},
    "reports.description": {Mark.DESCRIPTION},
    "reports.accession": {Mark.ACCESSION},
    "results.json": {Mark.REPORT_ID} | NAMES | WORDS | PLANTED,
    "audits.name": NAMES,
    "audits.source": NAMES,
    "audits.arguments": ARGUMENTS,
    "audits.identity": ARGUMENTS,
    # The client's own word for a request, which may be whatever it likes; and the client's own id
    # of the report that it was answered with. Both are forgotten after seven days.
    "idempotency.key": {Mark.IDEMPOTENCY} | NAMES,
    "idempotency.response": {Mark.REPORT_ID},
    "uploads.name": NAMES,
    "sample_items.text": WORDS,
    "sample_items.report_id": {Mark.REPORT_ID},
    "sample_items.accession": {Mark.ACCESSION},
    "sample_items.path": NAMES,
}
"""What a column may hold; one that is not here: nothing."""

FILES = ("data/audits/",)
"""Where files may hold marks of all kinds while their audit is there: uploads, shards, results."""

SAID = NAMES
"""A command may name the file that it was given, and the member that it could not read."""
GIVEN = {Mark.VALUE, Mark.FILE_NAME}
"""The words of its command line, which stand above the error in the terminal anyway."""


@dataclass
class Evidence:
    """What the run left behind."""

    operations: dict[tuple[str, str], bool]
    recorder: Recorder
    logs: dict[str, bytes]
    broker: bytes
    tables: dict[str, list[bytes]]
    files: dict[str, bytes]
    tables_after: dict[str, list[bytes]]
    files_after: dict[str, bytes]
    commands: list[commands.Said]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Evidence]:
    with (
        house.opened(tmp_path_factory.mktemp("canary"), postgres) as service,
        exchanges.Recorder(service.url, service.token) as recorder,
    ):
        yield _gather(service, recorder)


def _gather(service: House, recorder: Recorder) -> Evidence:
    description = recorder.ask("GET", "/openapi.json").json()
    battery.ask_all(recorder, description)
    story.tell(service, recorder)
    said = commands.run_all(service)
    tables, files = service.tables(), service.files()
    broker = service.stored_keys()
    story.delete_all(recorder)
    return Evidence(
        operations={
            operation: takes_key
            for operation, takes_key in (battery.operations(description) | battery.pages()).items()
            if operation[1] not in ELSEWHERE
        },
        recorder=recorder,
        logs=service.logged(),
        broker=broker + service.stored_keys() + service.tap.heard(),
        tables=tables,
        files=files,
        tables_after=service.tables(),
        files_after=service.files(),
        commands=said,
    )


def marks(pieces: Iterable[bytes]) -> set[Mark]:
    found: set[Mark] = set()
    return found.union(*(found_in(piece) for piece in pieces))


def test_every_operation_was_served_once_with_marks_and_refused_once(evidence: Evidence) -> None:
    served, refused = evidence.recorder.served(), evidence.recorder.refused()
    for operation, takes_key in evidence.operations.items():
        assert operation in served, f"let tests/canary/story.py tell of {operation}"
        if takes_key and operation[0] != "HEAD":
            assert {"KEY_MISSING", "KEY_INVALID"} <= refused[operation], operation


def test_every_way_to_fail_was_gone(evidence: Evidence) -> None:
    codes = set().union(*evidence.recorder.refused().values())
    assert codes >= {
        *("INVALID_JSON", "INVALID_UNICODE", "VALIDATION_FAILED", "BODY_TOO_LARGE"),
        *("UNSUPPORTED_MEDIA_TYPE", "BAD_REQUEST", "BAD_CURSOR", "METHOD_NOT_ALLOWED"),
        *("ROUTE_NOT_FOUND", "REPORT_NOT_FOUND", "AUDIT_NOT_FOUND", "AUDIT_OVER"),
        *("AUDIT_NOT_DONE", "IDEMPOTENCY_KEY_REUSED", "INTERNAL_ERROR", "BUSY"),
        "STORAGE_UNAVAILABLE",
    }
    failed = {value for value in evidence.tables["reports.error_code"] if value != b"None"}
    assert failed == {b"timeout", b"extraction_failed", b"memory", b"worker_lost"}
    assert b"failed" in evidence.tables["audits.state"]


def test_no_log_holds_a_mark_but_the_planted_one(evidence: Evidence) -> None:
    assert evidence.logs.keys() == {"api", "worker", "dispatcher", "postgresql"}
    assert all(evidence.logs.values())
    found = {name: found_in(log) for name, log in evidence.logs.items()}
    assert {name for name, log in found.items() if log} == {"worker"}
    assert found["worker"] == {Mark.LEAK_LOG}


def test_the_broker_heard_no_mark_but_the_planted_one(evidence: Evidence) -> None:
    assert b"BRPOP" in evidence.broker.upper()
    assert found_in(evidence.broker) == {Mark.LEAK_BROKER}


def test_no_problem_and_no_header_repeats_a_mark_but_the_planted_one(evidence: Evidence) -> None:
    exchanged = evidence.recorder.exchanges
    refused = [one for one in exchanged if not one.is_success]
    problems = [one for one in refused if one.route not in FORMS]
    assert marks(one.answer.content for one in problems) == {Mark.LEAK_PROBLEM}
    forms = [one for one in refused if one.route in FORMS]
    assert marks(one.answer.content for one in forms) <= ARGUMENTS
    assert marks(one.headers for one in exchanged) == set()


def test_answers_hold_what_their_route_is_for(evidence: Evidence) -> None:
    told: dict[str, set[Mark]] = {}
    for one in evidence.recorder.exchanges:
        if one.is_success:
            told.setdefault(one.route, set()).update(found_in(one.answer.content))
    wrong = {route: found - ANSWERS.get(route, set()) for route, found in told.items()}
    assert {route: found for route, found in wrong.items() if found} == {}
    # Else nothing that was sent came through, and the rest shows nothing.
    assert told["/v1/reports/{id}"] >= METADATA | {Mark.TEXT}


def test_columns_hold_what_they_are_for(evidence: Evidence) -> None:
    assert _misplaced(evidence.tables) == {}
    assert Mark.TEXT in marks(evidence.tables["reports.text"])


def test_files_hold_marks_below_their_audit_alone(evidence: Evidence) -> None:
    elsewhere = {
        place: found_in(data) | found_in(place)
        for place, data in evidence.files.items()
        if not place.startswith(FILES)
    }
    assert marks(evidence.files.values()) >= {Mark.TEXT, Mark.PATIENT_ID}
    assert [found for found in elsewhere.values() if found] == [{Mark.LEAK_FILE}]
    assert not any(place.endswith("core") or "core." in place for place in elsewhere)


def test_what_is_deleted_is_gone(evidence: Evidence) -> None:
    left = {name: marks(values) for name, values in evidence.tables_after.items()}
    names = {name for name, found in left.items() if found}
    assert names <= {"idempotency.key", "idempotency.response"}
    assert marks(evidence.files_after.values()) == {Mark.LEAK_FILE}
    assert [place for place in evidence.files_after if place.startswith(FILES)] == []


def test_commands_say_what_is_wrong_and_not_what_stands_there(evidence: Evidence) -> None:
    for said in evidence.commands:
        shown = f"{' '.join(said.words)}\n{said.output}\n{said.errors}"
        assert found_in(said.output) <= SAID, shown
        assert found_in(said.errors) <= SAID | GIVEN, shown
        assert "Traceback" not in said.errors, shown
    assert {said.code for said in evidence.commands} == {0, 1, 2}


@pytest.mark.parametrize(
    "leak",
    [
        f"{Mark.TEXT.word}".encode(),
        f"so {Mark.TEXT.word.upper()}!".encode(),
        f"{Mark.TEXT.word}".encode("utf-16"),
        b'{"body": "eyJ0ZXh0IjogInF6Y2FuYXJ5dGV4dHg3ayJ9"}',
        f"{Mark.TEXT.word}".encode().hex().encode(),
    ],
)
def test_the_search_finds_a_mark_in_whatever_dress(leak: bytes) -> None:
    assert found_in(b"before " + leak + b" after") == {Mark.TEXT}


def _misplaced(tables: dict[str, list[bytes]]) -> dict[str, set[Mark]]:
    found = {name: marks(values) - COLUMNS.get(name, set()) for name, values in tables.items()}
    return {name: wrong for name, wrong in found.items() if wrong}
