"""Report texts at rest: nothing of them is legible in the files, nothing is believed that was moved."""

from __future__ import annotations

import base64
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from extractor.model import Patient, Study
from storage import reports, text_keys, work
from storage.backup import back_up
from storage.compaction import compact
from storage.database import Database
from storage.errors import SealBrokenError, TextKeyError, TextKeyMissingError
from storage.model import Lane, NewReport, ReportState
from storage.outcomes import Outcome
from storage.resealing import Sealed, count, reseal
from storage.restore import restore
from storage.sealing import Sealer, sealer_of, used_keys
from storage.settings import StorageSettings
from storage.tables import reports as reports_table
from storage.tables import results
from storage.text_keys import Keyring, KeyringFile, TextKey
from tests.results import make_mention, make_result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from storage.model import Accepted, StoredReport

MARK = "ZZPHI"
ONE = NewReport(
    text=f"{MARK}-text of the hip",
    report_id="R1",
    patient=Patient(id="P1", age_years=47, sex="M"),
    study=Study(accession="A1", modality="MR"),
)
BY_ID = replace(ONE, report_id="R2", study=Study(modality="MR"))
BY_METADATA = NewReport(text=f"{MARK}-nothing else")
ALL = (ONE, BY_ID, BY_METADATA)


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    text_keys.create(tmp_path / "keys.txt")
    return tmp_path / "keys.txt"


@pytest.fixture
def plain(database_url: str) -> Iterator[Database]:
    """A database whose processes have no keys."""
    with Database(database_url) as opened:
        opened.upgrade()
        yield opened


@pytest.fixture
def sealed(plain: Database, key_path: Path) -> Iterator[Database]:
    """The same database, for processes that have the keys."""
    with same(plain, key_path) as opened:
        opened.check_current()
        yield opened


def same(database: Database, keys: Path | None) -> Database:
    url = database.url.render_as_string(hide_password=False)
    return Database(url, None if keys is None else KeyringFile(keys))


def current(path: Path) -> str:
    key = text_keys.load(path).current
    assert key is not None
    return key.id


def keep_last_line(path: Path) -> None:
    path.write_text(path.read_text().splitlines()[-1] + "\n")


def turn_off(path: Path) -> None:
    with path.open("a") as file:
        file.write("plain\n")


def accept(database: Database, *posted: NewReport) -> list[Accepted]:
    with database.begin() as conn:
        return reports.accept(conn, posted, lane=Lane.BULK)


def finish(database: Database, accepted: Accepted) -> None:
    with database.begin() as conn:
        held = work.claim(conn, accepted.work_id or 0, lease_s=60)
        assert held is not None
        queued = reports.load_texts(conn, held.work_id)
        mention = replace(make_mention(), quote=f"{MARK}-quote")
        outcomes = [Outcome.done(one.id, make_result(mention)) for one in queued]
        assert work.finish(conn, held, outcomes)


def load(database: Database, id_: str) -> StoredReport:
    with database.read() as conn:
        found = reports.get(conn, id_, include_text=True)
    assert found is not None
    return found


def dump(database: Database) -> str:
    with database.read() as conn:
        rows = [conn.execute(select(table)).all() for table in (reports_table, results)]
    return repr(rows)


def tamper(database: Database, id_: str, **values: object) -> None:
    with database.begin() as conn:
        conn.execute(update(reports_table).where(reports_table.c.id == id_).values(values))


def test_what_is_read_back_is_what_was_posted_and_nothing_of_it_is_stored(sealed: Database) -> None:
    accepted = accept(sealed, *ALL)
    finish(sealed, accepted[0])
    for one, posted in zip(accepted, ALL, strict=True):
        stored = load(sealed, one.id)
        assert (stored.text, stored.patient) == (posted.text, posted.patient)
        assert stored.result is not None
        assert stored.result["mentions"][0]["quote"] == f"{MARK}-quote"
    assert MARK not in dump(sealed)


def test_no_digest_tells_whether_a_guess_of_the_text_or_of_the_result_is_right(
    plain: Database, sealed: Database
) -> None:
    [one] = accept(sealed, ONE)
    finish(sealed, one)
    guesses = set()
    for column in (reports_table.c.text_sha256, results.c.digest):
        with sealed.read() as conn:
            guesses.add(conn.execute(select(column)).scalar_one())
    with plain.begin() as conn:
        conn.execute(reports_table.delete())
    [again] = accept(plain, ONE)
    finish(plain, again)
    with plain.read() as conn:
        for column in (reports_table.c.text_sha256, results.c.digest):
            assert conn.execute(select(column)).scalar_one() not in guesses


def test_reports_are_recognised_and_amended_as_without_keys(sealed: Database) -> None:
    first = accept(sealed, *ALL)
    again = accept(sealed, *ALL)
    assert [(one.id, one.is_new) for one in again] == [(one.id, False) for one in first]
    [amended] = accept(sealed, replace(ONE, text="amended"))
    assert amended.version == 2
    assert load(sealed, first[0].id).superseded_by == amended.id
    assert [one.is_new for one in accept(sealed, ONE, ONE)] == [False, False]


def test_nothing_is_legible_in_the_files_after_turning_it_on(
    tmp_path: Path, key_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with Database(f"sqlite:///{folder / 'marrow.sqlite3'}") as before:
        before.upgrade()
        for number in range(40):
            [one] = accept(before, replace(ONE, text=f"{MARK} {number} " * (number + 1)))
            finish(before, one)
    with Database(f"sqlite:///{folder / 'marrow.sqlite3'}", KeyringFile(key_path)) as database:
        assert any(MARK.encode() in path.read_bytes() for path in folder.iterdir())
        reseal(database)
        assert compact(database)
        [late] = accept(database, replace(ONE, text=f"{MARK} late"))
        finish(database, late)
        for path in folder.iterdir():
            assert MARK.encode() not in path.read_bytes(), path.name
        assert load(database, late.id).version == 41


def test_turning_it_on_keeps_versions_and_what_is_posted_again(
    plain: Database, sealed: Database
) -> None:
    before = accept(plain, *ALL)
    finish(plain, before[0])
    # Not sealed yet: found all the same, and amended.
    assert [one.id for one in accept(sealed, *ALL)] == [one.id for one in before]
    [second] = accept(sealed, replace(ONE, text="second"))
    assert second.version == 2
    assert reseal(sealed) == 2 * len(ALL)
    assert MARK not in dump(sealed)
    assert [one.id for one in accept(sealed, *ALL)] == [one.id for one in before]
    [third] = accept(sealed, replace(ONE, text="third"))
    assert third.version == 3
    assert load(sealed, before[0].id).result is not None
    assert reseal(sealed) == 0


def test_turning_it_off_brings_everything_back(sealed: Database, key_path: Path) -> None:
    accepted = accept(sealed, *ALL)
    finish(sealed, accepted[0])
    turn_off(key_path)
    reseal(sealed)
    with same(sealed, None) as without:
        without.check_current()
        assert [load(without, one.id).text for one in accepted] == [one.text for one in ALL]
        assert [one.id for one in accept(without, *ALL)] == [one.id for one in accepted]
        assert load(without, accepted[0].id).result is not None
        without.downgrade("0003")


def test_a_new_key_takes_over_without_a_restart(sealed: Database, key_path: Path) -> None:
    old = current(key_path)
    accepted = accept(sealed, *ALL)
    finish(sealed, accepted[0])
    text_keys.add(key_path)
    new = current(key_path)
    [late] = accept(sealed, NewReport(text="late"))
    assert count(sealed) == sorted(
        [Sealed(old, reports=3, results=3), Sealed(new, reports=1, results=0)],
        key=lambda one: str(one.key_id),
    )
    assert load(sealed, accepted[0].id).text == ONE.text
    assert [one.id for one in accept(sealed, *ALL)] == [one.id for one in accepted]
    reseal(sealed)
    assert count(sealed) == [Sealed(new, reports=4, results=3)]
    keep_last_line(key_path)
    sealed.check_current()
    assert load(sealed, late.id).text == "late"
    assert [one.id for one in accept(sealed, *ALL)] == [one.id for one in accepted]


def test_a_rotation_that_was_killed_goes_on_where_it_was(
    sealed: Database, key_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = accept(sealed, *ALL)
    finish(sealed, accepted[0])
    text_keys.add(key_path)
    monkeypatch.setattr("storage.resealing.BATCH", 2)

    def kill(rows: int) -> None:
        if rows >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reseal(sealed, say=kill)
    assert len(count(sealed)) == 2
    assert [load(sealed, one.id).text for one in accepted] == [one.text for one in ALL]
    assert reseal(sealed) == 4
    assert count(sealed) == [Sealed(current(key_path), reports=3, results=3)]


def test_what_is_posted_again_while_its_key_is_changed_is_stored_once(
    sealed: Database, key_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = accept(sealed, *ALL)
    resealing = threading.Thread(target=reseal, args=(sealed,))

    def read_keys_and_dawdle(conn: Connection) -> Sealer:
        sealer = sealer_of(conn)
        text_keys.add(key_path)
        resealing.start()
        # It waits for our end: else what is stored would have digests that we do not look for.
        resealing.join(timeout=0.3)
        return sealer

    with monkeypatch.context() as patched:
        patched.setattr("storage.reports.sealer_of", read_keys_and_dawdle)
        again = accept(sealed, *ALL)
    resealing.join()
    assert [one.id for one in again] == [one.id for one in first]
    assert count(sealed) == [Sealed(current(key_path), reports=3, results=0)]


def test_without_its_keys_a_database_is_neither_read_nor_added_to(sealed: Database) -> None:
    [one] = accept(sealed, ONE)
    with same(sealed, None) as without:
        with pytest.raises(TextKeyMissingError, match="MARROW_TEXT_KEY_FILE"):
            without.check_current()
        with pytest.raises(TextKeyMissingError):
            load(without, one.id)
        # It would not be recognised, and stored twice.
        with pytest.raises(TextKeyMissingError):
            accept(without, ONE)


def test_a_unit_waits_for_a_key_that_is_missing_and_fails_no_report(sealed: Database) -> None:
    [one] = accept(sealed, ONE)
    with same(sealed, None) as without, pytest.raises(TextKeyMissingError):
        finish(without, one)
    finish(sealed, one)
    assert load(sealed, one.id).state is ReportState.DONE


def test_keys_of_another_installation_are_refused_by_name(
    sealed: Database, key_path: Path, tmp_path: Path
) -> None:
    accept(sealed, ONE)
    text_keys.create(tmp_path / "other")
    says = f"the key {current(key_path)}"
    with same(sealed, tmp_path / "other") as wrong, pytest.raises(TextKeyMissingError, match=says):
        wrong.check_current()


def test_a_key_that_seals_results_only_is_missed_as_well(sealed: Database, key_path: Path) -> None:
    [one] = accept(sealed, ONE)
    finish(sealed, one)
    old = current(key_path)
    text_keys.add(key_path)
    with sealed.read() as conn:
        text = load(sealed, one.id).text or ""
        new = Sealer(text_keys.load(key_path)).seal_text(one.id, text.encode())
    tamper(sealed, one.id, **new)
    keep_last_line(key_path)
    with sealed.read() as conn:
        assert used_keys(conn, "reports") == [current(key_path)]
    with pytest.raises(TextKeyMissingError, match=old):
        sealed.check_current()


def test_a_text_that_was_moved_to_another_row_is_not_believed(sealed: Database) -> None:
    one, two = accept(sealed, ONE, BY_ID)
    with sealed.begin() as conn:
        columns = (reports_table.c.text, reports_table.c.text_key)
        row = conn.execute(select(*columns).where(reports_table.c.id == one.id)).one()
    tamper(sealed, two.id, text=row.text)
    assert load(sealed, one.id).text == ONE.text
    with pytest.raises(SealBrokenError, match=two.id) as caught:
        load(sealed, two.id)
    assert MARK not in str(caught.value)


@pytest.mark.parametrize("broken", ["moved", "changed", "not base 64", "short"])
def test_a_result_that_was_moved_or_changed_is_not_believed(sealed: Database, broken: str) -> None:
    one, two = accept(sealed, ONE, BY_ID)
    finish(sealed, one)
    with sealed.begin() as conn:
        value = conn.execute(select(results.c.json).where(results.c.report == one.id)).scalar_one()
        new = {
            "moved": value,
            "changed": f"{value[:-8]}AAAA{value[-4:]}",
            "not base 64": "{}",
            "short": value[:8],
        }
        conn.execute(update(results).where(results.c.report == two.id).values(json=new[broken]))
    with pytest.raises(SealBrokenError):
        load(sealed, two.id)


def test_a_report_whose_seal_is_broken_fails_alone(sealed: Database) -> None:
    good, bad = accept(sealed, ONE, BY_ID)
    tamper(sealed, bad.id, text=b"\0" * 40)
    finish(sealed, good)
    with sealed.read() as conn:
        assert reports.state(conn, good.id) is ReportState.DONE
        found = conn.execute(
            select(reports_table.c.error_code).where(reports_table.c.id == bad.id)
        ).scalar_one()
        assert work.reconcile(conn).balanced
    assert found == "seal_broken"


def test_the_tables_do_not_step_down_over_sealed_texts(sealed: Database) -> None:
    accept(sealed, ONE)
    with pytest.raises(TextKeyError, match="turn it off first"):
        sealed.downgrade("0003")
    sealed.check_current()


def test_a_process_with_other_keys_is_told_of_and_not_waited_for(sealed: Database) -> None:
    [one] = accept(sealed, ONE)

    def undo(_: int) -> None:
        tamper(sealed, one.id, text=ONE.text.encode(), text_key=None)

    undo(0)
    with pytest.raises(TextKeyError, match="another key file"):
        reseal(sealed, say=undo)


def test_a_backup_stays_sealed_and_opens_with_the_keys(tmp_path: Path) -> None:
    settings = StorageSettings(data_dir=tmp_path / "data", text_key_file=tmp_path / "keys")
    text_keys.create(tmp_path / "keys")
    (tmp_path / "data").mkdir()
    settings.pepper_path.write_text("x" * 64)
    with Database.open(settings) as database:
        database.upgrade()
        [one] = accept(database, ONE)
        back_up(settings, tmp_path / "b.tar", with_secrets=True)
        back_up(settings, tmp_path / "without.tar")
    assert MARK.encode() not in (tmp_path / "b.tar").read_bytes()
    secret = (tmp_path / "keys").read_text().splitlines()[-1].encode()
    assert secret in (tmp_path / "b.tar").read_bytes()
    assert secret not in (tmp_path / "without.tar").read_bytes()
    restore(tmp_path / "b.tar", tmp_path / "new")
    again = StorageSettings(data_dir=tmp_path / "new", text_key_file=tmp_path / "new" / "text-keys")
    with Database.open(again) as database:
        database.check_current()
        assert load(database, one.id).text == ONE.text


KEY = TextKey.of(b"k" * 32)
SEALER = Sealer(Keyring(keys={KEY.id: KEY}, current=KEY))


@given(st.binary(), st.text(max_size=20))
def test_what_was_sealed_opens_in_its_place_only(data: bytes, row: str) -> None:
    stored = SEALER.seal_text(row, data)
    assert SEALER.open_text(row, stored["text"], KEY.id) == data
    with pytest.raises(SealBrokenError):
        SEALER.open_text(row + "x", stored["text"], KEY.id)


@given(st.binary(min_size=1), st.data())
def test_a_changed_byte_is_always_noticed(value: bytes, data: st.DataObject) -> None:
    stored = bytearray(SEALER.seal_text("rep_1", value)["text"])
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBrokenError):
        SEALER.open_text("rep_1", bytes(stored), KEY.id)


def test_a_text_and_a_json_of_the_same_row_cannot_change_places() -> None:
    stored = SEALER.seal_json("rep_1", "{}")
    with pytest.raises(SealBrokenError):
        SEALER.open_text("rep_1", base64.b64decode(stored["json"]), KEY.id)


def test_equal_texts_are_not_equal_when_sealed() -> None:
    assert SEALER.seal_text("a", b"same")["text"] != SEALER.seal_text("a", b"same")["text"]
