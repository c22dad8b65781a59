"""Notes made by hand for audits: each figure of the tests is counted from this table."""

from __future__ import annotations

from datetime import date

from models.analysis import (
    Analysis,
    CustomerClass,
    Dimension,
    Gap,
    Kind,
    Kp,
    ModelVersion,
    Objection,
    Outcome,
    Place,
    Price,
    Quality,
    Question,
)
from models.labels import DIMENSIONS, WEIGHTS
from models.quality import dimension_texts, grade
from service.database import writing
from service.notes.store import NewNote, save
from tests.service.conftest import Tenancy

TEXT = "王总说贵，要再考虑"
TODAY = date(2026, 11, 24)


def analysis(
    kind: str = "flow_of_events", levels: dict[str, int] | int = 0, kp: str = "unclear", outcome: str = "unclear",
    objections: tuple[tuple[str, str], ...] = (), gaps: tuple[Gap, ...] = (), class_: str | None = None, version: str = "v1",
) -> Analysis:  # fmt: skip
    """An analysis of TEXT with these labels; the score follows from the levels."""
    given = dict.fromkeys(DIMENSIONS, levels) if isinstance(levels, int) else {**dict.fromkeys(DIMENSIONS, 0), **levels}
    texts = dimension_texts()
    dimensions = tuple(
        Dimension(d, texts[d][0], WEIGHTS[d], n, (Place(0, 2),) if n else (), (*texts[d][1:], None)[n]) for d, n in given.items()
    )
    score = sum(WEIGHTS[d] * n for d, n in given.items()) // 2
    return Analysis(
        id=None, kind=Kind(kind, 0.9, False), outcome=Outcome(outcome, 0.9, False), sentences=(), people=(), kp=Kp(kp, None, ()),
        objections=tuple(Objection(t, s, TEXT[3:4], 3, 4, 0.9, False) for t, s in objections),
        price=Price(None, None, None, "CNY", None, gaps, ()), competitors=(),
        customer_class=CustomerClass(class_, "贵", 3, 4) if class_ else None, next_step=None, funds_date=None,
        quality=Quality(score, grade(score), dimensions), questions=(Question("true_objection", "真正的顾虑是什么？", "…", (Place(5, 9),)),),
        model=ModelVersion(version, "2026-11-24"),
    )  # fmt: skip


def add(tenancy: Tenancy, day: str, found: Analysis, rep: int | None = 0, customer: str | None = None, **fields: str) -> str:
    """Store a note of TEXT on this day; its id."""
    new = NewNote(
        TEXT, "api", visited_at=date.fromisoformat(day), person_id=None if rep is None else tenancy.reps[rep],
        team_id=None if rep is None else tenancy.teams[rep], customer=customer, **fields,
    )  # fmt: skip
    clock = tenancy.world.clock
    clock.step(seconds=1)
    with writing(tenancy.world.engine) as session:
        return save(session, tenancy.id, new, found, clock(), TODAY).note.id


def furnish(tenancy: Tenancy) -> dict[str, str]:
    """Seven notes of November and one of October; name → id."""
    nearly = {**dict.fromkeys(DIMENSIONS, 2), "reflection": 0, "next_step": 1}
    competitor, customer = "competitor", "customer"
    return {
        "n1": add(tenancy, "2026-11-02", analysis("diagnostic", 2, "met_first_kp", "not_signed", (("price", "open"),), (Gap(competitor, 3000, 15.0, True),), "A"), 0, "甲"),  # 100
        "n2": add(tenancy, "2026-11-03", analysis(kp="met_nobody"), 0, "乙"),  # 0
        "n3": add(tenancy, "2026-11-09", analysis("flow_of_events", {"kp": 1}, "met_other_only", "not_signed", (("price", "open"), ("price", "resolved"), ("stall", "open")), (Gap(customer, 500, None, True),)), 0, "乙"),  # 7
        "n4": add(tenancy, "2026-11-10", analysis("flow_of_events", {"kp": 2, "need": 1}, gaps=(Gap(competitor, -100, -5.0, False),)), 0, "乙"),  # 20
        "n5": add(tenancy, "2026-11-11", analysis("diagnostic", nearly, "met_first_kp", "signed"), 0, "丙"),  # 89
        "n6": add(tenancy, "2026-11-16", analysis("diagnostic", 1, "met_other_only", "not_signed", gaps=(Gap(customer, 900, 60.0, True),), class_="A"), 1, "甲"),  # 50
        "n7": add(tenancy, "2026-11-17", analysis(version="v2"), None),  # 0
        "n8": add(tenancy, "2026-10-01", analysis(kp="met_nobody"), 0, "丁"),  # 0
    }  # fmt: skip
