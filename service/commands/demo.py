"""`python -m service demo`: a fresh database with a team of eight and three months of their notes out of corpora/train, then the server on it.

The same seed and day give the same notes for the same people; only ids and keys are new each time.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track
from sqlalchemy import Engine

from service.accounts.keys import NewKey, create_key
from service.accounts.store import create_person, create_team, create_tenant
from service.analyzing import AnalyzerThread
from service.commands.demo_waiting import leave_waiting
from service.commands.serving import run
from service.console import analyzer_or_exit, database_or_exit, errors, fail, settings_or_exit
from service.corrections.labels import Labels, flat
from service.corrections.reviewers import Reviewer
from service.corrections.store import Change, save
from service.database import writing
from service.notes.store import NewNote, keep
from service.notes.tables import StoredNote

TENANT, TEAM = "演示公司", "华东一组"
REPS = ("陈立", "林晓燕", "周海涛", "吴敏", "郑凯", "孙丽娜", "马建军", "何雯")
PLACES = ("城北", "滨江", "东湖", "新港", "南桥", "西城", "云台", "临江", "白塔", "青山", "河东", "锦绣")
NAMES = ("恒达", "鑫源", "宏图", "永盛", "金桥", "华泰", "瑞丰", "同创", "嘉禾", "安信", "博远", "顺成", "德润", "佳联", "天和", "正阳")
CORPUS = Path("corpora/train")
FILE = Path("var/demo.sqlite3")
NOTES = 400
DAYS = 90
SEED = 20261126
CHECKED_EVERY = 8
"""The trainer has checked each eighth note: its labels are the corpus's."""
_NOBODY = ("老板", "老板娘", "客户", "前台", "门卫", "负责人", "采购", "经理", "领导")


@dataclass(frozen=True, slots=True)
class DemoVisit:
    """A note of the demo: whose, about whom, when; and the corpus's labels of it."""

    rep: str
    customer: str
    day: date
    text: str
    labels: Labels = field(compare=False)


def plan(notes: Sequence[dict[str, Any]], today: date, size: int = NOTES, seed: int = SEED) -> list[DemoVisit]:
    """So many visits in the order of time, over the DAYS before `today`; each rep writes as some of the corpus's writers do."""
    chance = random.Random(seed)
    by_writer: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for note in notes:
        by_writer[note["writer"]].append(note)
    writers = sorted(by_writer)
    chance.shuffle(writers)
    names = _names(chance)
    out: list[DemoVisit] = []
    for place, rep in enumerate(REPS):
        share, mine = size // len(REPS) + (place < size % len(REPS)), 0
        for writer in writers[place :: len(REPS)]:
            for group in _customers(by_writer[writer], chance):
                kept = group[: share - mine]
                if kept:
                    industry = Counter(n["industry"] for n in kept).most_common(1)[0][0]
                    customer = f"{next(names)}{industry}"
                    out += [
                        DemoVisit(rep, customer, day, n["text"], n) for n, day in zip(kept, _days(len(kept), today, chance), strict=True)
                    ]
                    mine += len(kept)
    return sorted(out, key=lambda v: (v.day, v.rep, v.customer, v.text))


def _names(chance: random.Random) -> Iterator[str]:
    pairs = [place + name for place in PLACES for name in NAMES]
    chance.shuffle(pairs)
    return iter(pairs * 4)


def _customers(notes: list[dict[str, Any]], chance: random.Random) -> list[list[dict[str, Any]]]:
    """Notes that name the same person are of one customer; the others are one to three visits each, in the order they were written."""
    left, groups = list(notes), []
    named: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for note in notes:
        for person in note["people"]:
            if len(person["mention"]) >= 2 and person["mention"] not in _NOBODY:
                named[person["mention"]].append(note)
    for _, theirs in sorted(named.items(), key=lambda item: -len(item[1])):
        group = [n for n in theirs if n in left][:6]
        if len(group) >= 2:
            groups.append(group)
            left = [n for n in left if n not in group]
    while left:
        n = chance.choice((1, 1, 2, 3))
        groups.append(left[:n])
        left = left[n:]
    chance.shuffle(groups)
    return groups


def _days(count: int, today: date, chance: random.Random) -> list[date]:
    """Working days of that many visits to one customer, a week or two apart."""
    gaps = [chance.randint(6, 16) for _ in range(count - 1)]
    begin = chance.randint(0, max(0, DAYS - 1 - sum(gaps)))
    days = [today - timedelta(days=DAYS - begin) + timedelta(days=sum(gaps[:i])) for i in range(count)]
    return [day - timedelta(days=max(0, day.isoweekday() - 5)) for day in days]  # who would go on Saturday went on Friday


@dataclass(frozen=True, slots=True)
class DemoKeys:
    """The keys to look at the demo with."""

    admin: str
    trainer: str
    rep: str


def fill(
    engine: Engine,
    thread: AnalyzerThread,
    visits: Sequence[DemoVisit],
    now: datetime,
    shown: Callable[[Sequence[DemoVisit]], Iterable[DemoVisit]],
) -> DemoKeys:
    """Store the demo's tenant, people, keys and notes. Raises AccountError where the tenant is there already."""
    with writing(engine) as session:
        tenant_id = create_tenant(session, TENANT, now).id
        team_id = create_team(session, tenant_id, TEAM, now).id
        people = {name: create_person(session, tenant_id, name, "rep", team_id, f"demo-{i}", now).id for i, name in enumerate(REPS, 1)}
        wanted = (NewKey("admin", "管理员"), NewKey("trainer", "带教", [team_id]), NewKey("rep", REPS[0], person_id=people[REPS[0]]))
        made = [create_key(session, tenant_id, new, now) for new in wanted]
        keys, trainer = DemoKeys(*(key for _, key in made)), Reviewer(made[1][0].id, made[1][0].label)
    for number, visit in enumerate(shown(visits), 1):
        evening = min(now, datetime.combine(visit.day, time(10), UTC))  # six in the evening in China
        new = NewNote(
            text=visit.text, source="api", visited_at=visit.day, crm_id=f"demo-{number}", team_id=team_id, person_id=people[visit.rep], customer=visit.customer
        )  # fmt: skip
        note = keep(engine, thread, tenant_id, new, lambda at=evening: at).note  # type: ignore[misc]
        if number % CHECKED_EVERY == 0:
            with writing(engine) as session:
                save(
                    session,
                    session.get_one(StoredNote, note.id),
                    trainer,
                    Change(flat({"evidence": {}, **visit.labels}), complete=True),
                    evening,
                )
    return keys


def read_corpus(folder: Path) -> list[dict[str, Any]]:
    """The corpus's notes, in the order of its files."""
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]


def demo(
    file: Annotated[Path, typer.Option(help="The SQLite file of the demo; an earlier one is replaced.")] = FILE,
    corpus: Annotated[Path, typer.Option(help="Folder of labelled notes.")] = CORPUS,
    port: Annotated[int | None, typer.Option(help="Port to listen on (FUPAN_PORT).")] = None,
    only_fill: Annotated[bool, typer.Option("--only-fill", help="Do not serve afterwards.")] = False,
) -> None:
    """Fill a fresh database with a team's three months and serve it, on this machine alone."""
    notes = read_corpus(corpus)
    if not notes:
        raise fail(f"--corpus: there are no notes in {corpus}")
    for old in (file, file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
        old.unlink(missing_ok=True)
    settings = settings_or_exit().model_copy(update={"database_url": f"sqlite:///{file}", "host": "127.0.0.1"})
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    engine = database_or_exit(settings)
    thread = AnalyzerThread(analyzer_or_exit(settings, engine), date.today)
    now = datetime.now(UTC)
    visits = plan(notes, now.date())
    keys = fill(engine, thread, visits, now, lambda v: track(v, "演示数据", console=errors, disable=not errors.is_terminal))
    leave_waiting(engine, keys.trainer, now)
    thread.close()
    engine.dispose()
    print(f"{len(visits)} notes of {len(REPS)} reps, {len({v.customer for v in visits})} customers in {file}")
    for words, key in (("管理员 admin", keys.admin), ("培训师 trainer", keys.trainer), (f"销售 rep {REPS[0]}", keys.rep)):
        print(f"{words}: {key}", flush=True)
    if not only_fill:
        run(settings)
