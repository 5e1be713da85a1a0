"""Samples are judged by two, each blind to the other; what is said can be taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

from storage import audits, samples, text_keys
from storage.audit_model import NewAudit
from storage.database import Database
from storage.errors import ReviewersFullError
from storage.ids import new_id
from storage.resealing import count, reseal
from storage.samples import NewItem, NewSample
from storage.tables import audits as audits_table
from storage.tables import sample_decisions, sample_items

if TYPE_CHECKING:
    from pathlib import Path

ANNA, BERT = "oidc:anna", "key:bert"
TEXT = "FINDINGS: Marrow oedema of the left femoral head. \U0001f9b4\0"


def drawn(database: Database, number: int = 3, text: str | None = TEXT) -> NewSample:
    new = NewSample(
        id=new_id("smp"),
        audit=new_id("aud"),
        patterns_digest="sha256:00",
        seed=7,
        totals={"cases": 40, "named": 300, "rest": 9_000},
        items=[
            NewItem(f"V{n:04d}", "cases", 10 * n, f"R{n}", f"A{n}", "2020-01-02", "a.csv", n, text)
            for n in range(1, number + 1)
        ],
        drawn_by=ANNA,
    )
    with database.begin() as conn:
        audits.create(conn, NewAudit(new.audit, "a.csv", source="file:///a.csv"))
        samples.create(conn, new)
    return new


def decide(database: Database, new: NewSample, item: str, *said: str) -> bool:
    with database.begin() as conn:
        reviewer, decision = said
        return samples.decide(conn, new.id, item, reviewer=reviewer, decision=decision)


def following(database: Database, new: NewSample, reviewer: str, after: int = 0) -> str | None:
    with database.read() as conn:
        found = samples.next_item(conn, new.id, reviewer, after=after)
    return None if found is None else found.item


def test_a_sample_is_what_was_drawn(database: Database) -> None:
    new = drawn(database)
    with database.read() as conn:
        [stored] = samples.list_all(conn, new.audit)
        assert samples.get(conn, new.id, audit=new.audit) == stored
        assert samples.get(conn, new.id, audit="aud_other") is None
        shown = samples.items(conn, new.id, ANNA)
        first = samples.next_item(conn, new.id, ANNA, include_text=True)
    assert (stored.items, stored.seed, stored.totals, stored.has_texts) == (3, 7, new.totals, True)
    assert [one.number for one in shown] == [1, 2, 3]
    assert {one.text for one in shown} == {None}
    assert first is not None
    assert (first.item, first.text, first.accession) == ("V0001", TEXT, "A1")


def test_each_reviewer_goes_his_own_way_and_sees_only_his_own_decisions(database: Database) -> None:
    new = drawn(database)
    assert decide(database, new, "V0001", ANNA, "case")
    assert following(database, new, ANNA) == "V0002"
    assert following(database, new, ANNA, after=2) == "V0003"
    assert following(database, new, BERT) == "V0001"
    with database.read() as conn:
        assert {one.decision for one in samples.items(conn, new.id, BERT)} == {None}
    decide(database, new, "V0003", BERT, "unclear")
    with database.read() as conn:
        [stored] = samples.list_all(conn, new.audit)
    assert list(stored.decided.items()) == [(ANNA, 1), (BERT, 1)]


def test_a_decision_may_be_changed_and_taken_back_last_one_first(database: Database) -> None:
    new = drawn(database)
    for item, decision in (("V0001", "case"), ("V0002", "no_case"), ("V0001", "unclear")):
        assert decide(database, new, item, ANNA, decision)
    with database.begin() as conn:
        assert samples.take_back(conn, new.id, BERT) is None
        said = {one.item: one.decision for one in samples.items(conn, new.id, ANNA)}
        assert said == {"V0001": "unclear", "V0002": "no_case", "V0003": None}
        assert samples.take_back(conn, new.id, ANNA, "V0003") is None
        taken = [samples.take_back(conn, new.id, ANNA) for _ in range(3)]
    assert set(taken[:2]) == {"V0001", "V0002"}
    assert taken[2] is None
    assert following(database, new, ANNA) == "V0001"


def test_the_last_decision_by_time_is_taken_back_whatever_its_place(database: Database) -> None:
    new = drawn(database)
    for item in ("V0003", "V0001", "V0002"):
        decide(database, new, item, ANNA, "case")
    with database.begin() as conn:
        for at, item in enumerate(("V0003", "V0001", "V0002")):
            mine = sample_decisions.c.item == f"{new.id} {item}"
            moment = datetime.fromtimestamp(at, UTC)
            conn.execute(update(sample_decisions).where(mine).values(decided_at=moment))
        assert samples.take_back(conn, new.id, ANNA) == "V0002"
        assert samples.take_back(conn, new.id, ANNA) == "V0001"


def test_there_is_no_third_reviewer_and_no_unknown_item(database: Database) -> None:
    new = drawn(database)
    assert not decide(database, new, "V9999", ANNA, "case")
    decide(database, new, "V0001", ANNA, "case")
    decide(database, new, "V0001", BERT, "case")
    with pytest.raises(ReviewersFullError):
        decide(database, new, "V0001", "oidc:carl", "case")
    assert decide(database, new, "V0002", ANNA, "case")


def test_a_verdict_is_given_only_where_two_disagree_and_then_holds(database: Database) -> None:
    new = drawn(database)
    for item, first, second in (("V0001", "case", "no_case"), ("V0002", "case", "case")):
        decide(database, new, item, ANNA, first)
        decide(database, new, item, BERT, second)
    decide(database, new, "V0003", ANNA, "case")
    with database.begin() as conn:
        given = [
            samples.adjudicate(conn, new.id, one.item, "no_case", by="oidc:carl")
            for one in new.items
        ]
    assert given == [True, False, False]
    assert not decide(database, new, "V0001", ANNA, "no_case")
    with database.begin() as conn:
        assert samples.take_back(conn, new.id, BERT, "V0001") is None
        found = samples.judged(conn, new.id)
    assert [one.is_disputed for one in found] == [True, False, False]
    assert (found[0].verdict, found[0].verdict_by) == ("no_case", "oidc:carl")
    assert found[0].decisions == {ANNA: "case", BERT: "no_case"}
    assert (found[0].row, found[0].stratum) == (10, "cases")


def test_a_sample_goes_with_all_that_was_said_of_it_and_with_its_audit(database: Database) -> None:
    first, second = drawn(database), drawn(database)
    for new in (first, second):
        decide(database, new, "V0001", ANNA, "case")
    with database.begin() as conn:
        assert samples.delete(conn, first.id)
        assert not samples.delete(conn, first.id)
        conn.execute(delete(audits_table).where(audits_table.c.id == second.audit))
        for table in (sample_items, sample_decisions):
            assert conn.execute(select(table)).all() == []


def test_texts_are_sealed_as_those_of_reports_are(sqlite_url: str, tmp_path: Path) -> None:
    key_path = tmp_path / "text-keys"
    with Database(sqlite_url) as plain:
        plain.upgrade()
        drawn(plain)
        without = drawn(plain, text=None)
    text_keys.create(key_path)
    with Database(sqlite_url, text_keys=text_keys.KeyringFile(key_path)) as sealed:
        assert reseal(sealed) == 3
        new = drawn(sealed)
        [counted] = count(sealed)
        assert (counted.samples, counted.key_id is None) == (6, False)
        with sealed.read() as conn:
            kept = conn.execute(select(sample_items.c.text)).scalars().all()
            assert not any(b"Marrow" in (one or b"") for one in kept)
            item = samples.get_item(conn, new.id, "V0002", ANNA, include_text=True)
            none = samples.get_item(conn, without.id, "V0002", ANNA, include_text=True)
        assert item is not None
        assert item.text == TEXT
        assert none is not None
        assert none.text is None
