"""The demo's plan and what it fills."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select

from service.accounts.keys import find_principal
from service.analyzing import AnalyzerThread
from service.commands.demo import CORPUS, DAYS, REPS, fill, plan, read_corpus
from service.commands.demo_waiting import leave_waiting
from service.corrections.complete import complete_notes
from service.corrections.tables import Appeal
from service.database import migrate, open_engine, reading
from service.notes.tables import StoredNote
from service.rubrics.tables import RubricVersion
from tests.service.serving import ROOT
from training.labels import faults

TODAY = date(2026, 11, 24)


def test_the_plan_is_the_same_each_time_and_spread_out() -> None:
    notes = read_corpus(ROOT / CORPUS)
    visits = plan(notes, TODAY)
    assert visits == plan(notes, TODAY)
    assert Counter(v.rep for v in visits) == Counter(dict.fromkeys(REPS, 50))
    assert all(TODAY - timedelta(days=DAYS + 2) <= v.day <= TODAY and v.day.isoweekday() <= 5 for v in visits)
    assert {v.text for v in visits} <= {n["text"] for n in notes}
    by_customer = Counter(v.customer for v in visits)
    assert sum(n >= 3 for n in by_customer.values()) >= 30
    assert len({(v.customer, v.rep) for v in visits}) == len(by_customer)


def test_it_is_filled_with_keys_that_open_it(thread: AnalyzerThread) -> None:
    engine = open_engine("sqlite://")
    migrate(engine)
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    corpus = read_corpus(ROOT / CORPUS)
    keys = fill(engine, thread, plan(corpus, TODAY, size=16), now, lambda v: v)
    leave_waiting(engine, keys.trainer, now)
    assert [find_principal(engine, k, now).role for k in (keys.admin, keys.trainer, keys.rep)] == ["admin", "trainer", "rep"]
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(StoredNote).where(StoredNote.hidden.is_(False))) == 16
        assert session.scalar(select(func.count()).select_from(Appeal).where(Appeal.kind == "score", Appeal.state == "open")) == 1
        assert session.scalars(select(RubricVersion)).one().tried is None
    labelled = list(complete_notes(engine, find_principal(engine, keys.admin, now).tenant_id))
    assert len(labelled) == 2
    assert [fault for note in labelled for fault in faults(note)] == []
