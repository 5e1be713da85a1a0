"""``marrow mllp`` as a process of its own, and python-hl7's own client ``mllp_send`` as the RIS."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.admission import Admission
from api.mllp.receiving import CALLER, Receiver
from archives.hl7v2_syntax import Segment, parse_message
from storage import access_queries, idempotency, reports
from storage.access_model import Outcome
from storage.access_queries import Filters
from storage.database import Database
from storage.model import ReportFilters, ReportState, StoredReport
from storage.tombstones import Deletion, Reason
from tests.archives.messages import MSH, OBR, oru, tx
from tests.cli.commands import ROOT, command, marrow, one_line_error
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = ROOT.parent / "shared" / "data" / "formats"
CANARY = "canarywordofreport"
SEND = Path(sys.executable).with_name("mllp_send")


@dataclass
class Feed:
    """A running listener and the database behind it."""

    process: subprocess.Popen[str]
    port: int
    database: Database
    errors: Path

    def send(self, *messages: str | bytes) -> list[list[Segment]]:
        """Send messages by ``mllp_send`` and return what it printed: one answer each."""
        data = b"".join(m.encode() if isinstance(m, str) else m for m in messages)
        file = self.errors.with_name("sent.hl7")
        file.write_bytes(data)
        done = subprocess.run(
            [SEND, "--loose", "--port", str(self.port), "--file", file, "127.0.0.1"],
            capture_output=True,
            timeout=60,
            check=True,
        )
        answers = re.findall(rb"\x0b(.*?)\x1c\r", done.stdout, re.DOTALL)
        return [parse_message(answer.decode()) for answer in answers]

    def reports(self) -> list[StoredReport]:
        """Return all reports that are stored, the oldest first, with their texts."""
        with self.database.read() as conn:
            page = reports.list_page(conn, ReportFilters(), limit=1_000).reports
            found = [reports.get(conn, one.id, include_text=True) for one in page]
        return [one for one in reversed(found) if one is not None]

    def kill(self) -> None:
        """End the listener at once, as a failing machine would."""
        self.process.kill()
        self.process.wait(timeout=20)


@contextmanager
def listening(folder: Path, *, port: int = 0, **settings: str) -> Iterator[Feed]:
    """Start ``marrow mllp`` on a data directory, made where it is missing."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MARROW_")},
        "MARROW_DATA_DIR": str(folder),
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    folder.mkdir(exist_ok=True)
    database = Database(f"sqlite:///{folder / 'marrow.sqlite3'}")
    database.upgrade()
    output, errors = folder / "mllp.out", folder / "mllp.log"
    with output.open("w") as out, errors.open("a") as log:
        words = command("mllp", "--port", str(port))
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=log, text=True)
    try:

        def ready() -> re.Match[str] | None:
            assert process.poll() is None, errors.read_text()
            return re.search(r"Ready on mllp://127\.0\.0\.1:(\d+)", output.read_text())

        found = wait_until(ready, deadline_s=60, what="the listener")
        assert found is not None
        yield Feed(process, int(found[1]), database, errors)
    finally:
        process.terminate()
        process.wait(timeout=40)
        database.dispose()


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feed]:
    """A listener for the tests of single messages."""
    with listening(tmp_path_factory.mktemp("mllp")) as one:
        yield one


def message(number: int, *texts: str, control: str | None = None) -> str:
    """Return a message that no other test sends."""
    told = MSH.replace("|M1|", f"|{control or f'M{number}'}|")
    order = OBR.replace("ACC77", f"ACC{number}")
    return oru(*map(tx, texts or (f"MRI LEFT HIP. Marrow oedema. {CANARY}",)), msh=told, obr=order)


def verdict(answer: list[Segment]) -> tuple[str, str]:
    """Return code and control id of an answer."""
    msa = answer[1]
    assert msa.name == "MSA"
    return msa.raw(1), msa.raw(2)


def test_what_is_acknowledged_is_stored_and_the_answer_is_addressed(feed: Feed) -> None:
    [answer] = feed.send(message(1, "MRI LEFT HIP.", "Marrow oedema of the left femoral head."))
    head = answer[0]
    assert verdict(answer) == ("AA", "M1")
    assert (head.raw(5), head.raw(6), head.raw(9)) == ("RIS", "NORTHGATE", "ACK^R01^ACK")
    assert (head.raw(11), head.raw(12)) == ("P", "2.5.1")
    assert head.raw(10) not in {"", "M1"}
    [stored] = [one for one in feed.reports() if one.study.accession == "ACC1"]
    assert stored.text == "MRI LEFT HIP.\nMarrow oedema of the left femoral head."
    assert (stored.state, stored.source) == (ReportState.QUEUED, "NORTHGATE")
    assert (stored.patient.id, stored.patient.age_years) == ("55012^^^NORTHGATE", 46)
    assert stored.work_id is not None


def test_one_connection_brings_many_messages(feed: Feed) -> None:
    answers = feed.send(*(message(number) for number in range(100, 120)))
    assert [verdict(answer) for answer in answers] == [("AA", f"M{n}") for n in range(100, 120)]


def test_the_same_message_again_is_the_same_report(feed: Feed) -> None:
    before = len(feed.reports())
    answers = feed.send(message(2), message(2), message(2))
    assert [verdict(answer)[0] for answer in answers] == ["AA"] * 3
    assert len(feed.reports()) == before + 1


def test_a_correction_is_a_version_and_a_late_copy_of_the_first_changes_nothing(
    feed: Feed,
) -> None:
    first, second = message(3, "Oedema."), message(3, "No oedema.", control="M3b")
    feed.send(first, second, first)
    versions = [one for one in feed.reports() if one.study.accession == "ACC3"]
    assert [(one.version, one.text) for one in versions] == [(1, "Oedema."), (2, "No oedema.")]
    assert versions[1].superseded_by is None


def test_another_report_under_a_used_control_id_is_not_lost(feed: Feed) -> None:
    before = len(feed.reports())
    answers = feed.send(message(4, control="SAME"), message(5, control="SAME"))
    assert [verdict(answer)[0] for answer in answers] == ["AA", "AA"]
    assert len(feed.reports()) == before + 2


@pytest.mark.parametrize(
    ("sent", "code", "condition"),
    [
        (message(6).replace("ORU^R01", "ADT^A01"), "AR", "200"),
        (message(6).replace("|M6|", "||"), "AE", "101"),
        (oru("RP|1^IMAGE||there||||||F", msh=MSH.replace("|M1|", "|M6|")), "AE", "101"),
        (message(6, "x" * 200_001), "AE", "102"),
        (message(6).replace("ACC6", "A" * 2_000), "AE", "102"),
    ],
    ids=["another type", "no control id", "no text", "too long", "field too long"],
)
def test_what_is_not_stored_says_why_and_repeats_nothing(
    feed: Feed, sent: str, code: str, condition: str
) -> None:
    before = len(feed.reports())
    [answer] = feed.send(sent)
    assert verdict(answer)[0] == code
    error = answer[2]
    assert (error.name, error.component(3, 1), error.raw(4)) == ("ERR", condition, "E")
    assert error.raw(8) == answer[1].raw(3) != ""
    assert CANARY not in str(answer)
    assert len(feed.reports()) == before


def test_a_message_cut_off_leaves_nothing_and_the_next_one_is_read(feed: Feed) -> None:
    before = len(feed.reports())
    with socket.create_connection(("127.0.0.1", feed.port)) as ris:
        half = message(7).encode()[:150]
        ris.sendall(b"\x0b" + half + b"\x0b" + message(8).encode() + b"\x1c\r")
        assert b"MSA|AA|M8" in ris.recv(4096)
        ris.sendall(b"\x0b" + half)
    assert [one.study.accession for one in feed.reports()[before:]] == ["ACC8"]


def test_neither_the_log_nor_the_access_log_has_a_word_of_a_report(feed: Feed) -> None:
    [answer] = feed.send(message(9))
    assert verdict(answer)[0] == "AA"
    [stored] = [one for one in feed.reports() if one.study.accession == "ACC9"]

    def logged() -> bool:
        with feed.database.read() as conn:
            found = access_queries.list_page(conn, Filters(target=stored.id)).entries
        told = {(one.entry.caller, one.entry.outcome) for one in found}
        return told == {(CALLER, Outcome.DONE)}

    wait_until(logged, what="the entry")
    assert '"code": "AA"' in feed.errors.read_text().replace('":"', '": "')
    assert CANARY not in feed.errors.read_text()


def test_after_a_kill_all_that_was_acknowledged_is_there_once_and_sigterm_ends_it_well(
    tmp_path: Path,
) -> None:
    messages = [message(number) for number in range(200, 400)]
    acknowledged: list[str] = []
    with listening(tmp_path / "data") as first:

        def send() -> None:
            with socket.create_connection(("127.0.0.1", first.port)) as ris:
                for one in messages:
                    ris.sendall(b"\x0b" + one.encode() + b"\x1c\r")
                    answer = ris.recv(4096)
                    if b"MSA|AA|" not in answer:
                        return
                    acknowledged.append(one)

        ris = threading.Thread(target=send)
        ris.start()
        wait_until(lambda: len(acknowledged) >= 20, what="twenty answers")
        first.kill()
        ris.join(timeout=30)
        port = first.port
    assert 20 <= len(acknowledged) < len(messages)
    with listening(tmp_path / "data", port=port) as second:
        stored = {one.study.accession for one in second.reports()}
        assert stored >= {f"ACC{200 + n}" for n in range(len(acknowledged))}
        # The RIS starts again with the one that it has no answer to, and some before it.
        answers = second.send(*messages[len(acknowledged) - 10 :])
        assert {verdict(answer)[0] for answer in answers} == {"AA"}
        accessions = [one.study.accession for one in second.reports()]
        assert accessions == [f"ACC{n}" for n in range(200, 400)]
        with socket.create_connection(("127.0.0.1", port)) as idle:
            second.process.send_signal(signal.SIGTERM)
            assert second.process.wait(timeout=20) == 0
            assert idle.recv(10) == b""


def test_who_is_not_let_in_is_not_listened_to_and_a_taken_port_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with listening(folder, MARROW_MLLP_PEERS='["10.0.0.0/8"]') as one:
        with socket.create_connection(("127.0.0.1", one.port)) as stranger:
            assert stranger.recv(10) == b""
        assert one.reports() == []
        again = marrow(
            "mllp", "--port", str(one.port), environment={"MARROW_DATA_DIR": str(folder)}
        )
    assert "choose another" in one_line_error(again)


def test_while_the_database_is_away_it_is_told_to_come_again(postgresql_url: str) -> None:
    nowhere = re.sub(r"/[^/?]+(\?|$)", r"/not_there\1", postgresql_url)
    receiver = Receiver(Database(nowhere), Admission(most_open=10))
    receipt = receiver.receive(message(1).encode())
    assert b"MSA|AR|M1|Nothing was stored" in receipt.answer
    assert not receipt.work_ids


def test_while_too_much_waits_it_is_told_to_come_again(database: Database) -> None:
    receiver = Receiver(database, Admission(most_open=1))
    assert b"MSA|AA|" in receiver.receive(message(1).encode()).answer
    # What was acknowledged before is acknowledged again, however full it is.
    full = Receiver(database, Admission(most_open=1))
    assert b"MSA|AR|M2|Too many reports" in full.receive(message(2).encode()).answer
    assert b"MSA|AA|M1" in full.receive(message(1).encode()).answer


def test_a_message_whose_report_was_deleted_does_not_bring_it_back(database: Database) -> None:
    receiver = Receiver(database, Admission(most_open=10))
    [stored] = receiver.receive(message(1).encode()).accepted
    with database.begin() as conn:
        reports.delete(conn, stored.id, Deletion(Reason.REQUEST, by="user:test"))
        idempotency.blank(conn, idempotency.naming(conn, {stored.id}))
    receipt = receiver.receive(message(1).encode())
    assert b"MSA|AE|M1|A report of this message was deleted" in receipt.answer
    with database.read() as conn:
        assert reports.get(conn, stored.id) is None


@pytest.mark.skipif(not FORMATS.exists(), reason="the samples are not on this machine")
def test_real_messages_are_answered(feed: Feed) -> None:
    sample = (FORMATS / "hl7v2_dcm4che" / "ORU^R01-SR.hl7").read_bytes()
    [answer] = feed.send(sample)
    assert verdict(answer) == ("AA", "1001129")
    document = (FORMATS / "hl7v2_dcm4che" / "ORU^R01-PDF.hl7").read_bytes()
    [answer] = feed.send(document)
    assert verdict(answer)[0] == "AE"
    assert "embedded document" in answer[1].raw(3)
