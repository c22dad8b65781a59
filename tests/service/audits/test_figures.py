"""Figures of an audit against numbers counted by hand (house.py), on both databases."""

from __future__ import annotations

from datetime import date

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select

from models.analysis import Gap
from service.accounts.access import Principal
from service.audits.audit import NotInScopeError, audit
from service.audits.figures import first_of
from service.audits.selection import AuditFilter, settle
from service.database import MIGRATIONS, reading, rebuilding, writing
from service.notes.store import add_analysis
from service.notes.tables import NoteFacts, StoredNote
from tests.service.audits.house import TODAY, add, analysis, furnish
from tests.service.conftest import Tenancy, World

NOVEMBER = {"from": "2026-11-01", "to": "2026-11-24"}


@pytest.fixture
def notes(tenancy: Tenancy) -> dict[str, str]:
    return furnish(tenancy)


def audited(tenancy: Tenancy, role: str = "admin", **query: str) -> dict:
    answer = tenancy.call("GET", "/v1/audits", role, params={**NOVEMBER, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_totals_scores_and_versions(tenancy: Tenancy, notes: dict[str, str]) -> None:
    found = audited(tenancy)
    assert found["selection"] == {"team": None, "rep": None, "from": "2026-11-01", "to": "2026-11-24", "step": "week", "asleep_days": 30}
    assert (found["notes"], found["mean_score"], found["diagnostic"], found["signed"]) == (7, 38.0, 3, 1)
    bins = {(b["low"], b["high"]): (b["diagnostic"], b["flow_of_events"]) for b in found["scores"]}
    assert {k: v for k, v in bins.items() if v != (0, 0)} == {
        (0, 9): (0, 3),
        (20, 29): (0, 1),
        (50, 59): (1, 0),
        (80, 89): (1, 0),
        (90, 100): (1, 0),
    }
    assert len(bins) == 10
    assert found["model_versions"] == [{"version": "v1", "notes": 6}, {"version": "v2", "notes": 1}]


def test_weeks_and_months(tenancy: Tenancy, notes: dict[str, str]) -> None:
    def rows(found: dict) -> list[tuple]:
        return [(s["first"], s["last"], s["notes"], s["mean_score"], s["diagnostic"], s["met_first_kp"]) for s in found["steps"]]

    assert rows(audited(tenancy)) == [
        ("2026-11-02", "2026-11-08", 2, 50.0, 1, 1),
        ("2026-11-09", "2026-11-15", 3, 38.7, 1, 1),
        ("2026-11-16", "2026-11-22", 2, 25.0, 1, 0),
    ]
    months = rows(audited(tenancy, step="month", **{"from": "2026-09-01"}))
    assert months == [("2026-10-01", "2026-10-31", 1, 0.0, 0, 0), ("2026-11-01", "2026-11-24", 7, 38.0, 3, 2)]


def test_reps(tenancy: Tenancy, notes: dict[str, str]) -> None:
    reps = audited(tenancy)["reps"]
    shown = [(r["name"], r["rep_id"], r["notes"], r["mean_score"], r["diagnostic"], r["met_first_kp"], r["bins"]) for r in reps]
    assert shown == [
        ("销售1", tenancy.reps[0], 5, 43.2, 2, 2, [2, 0, 1, 0, 0, 0, 0, 0, 1, 1]),
        ("销售2", tenancy.reps[1], 1, 50.0, 1, 0, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
        ("未注明销售", None, 1, 0.0, 0, 0, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ]


def test_kp_objections_and_gaps(tenancy: Tenancy, notes: dict[str, str]) -> None:
    found = audited(tenancy)
    assert {k["status"]: k["notes"] for k in found["kp"]} == {"met_first_kp": 2, "met_other_only": 2, "met_nobody": 1, "unclear": 2}
    assert [(o["type"], o["open"], o["resolved"]) for o in found["objections"][:2]] == [("price", 2, 1), ("stall", 1, 0)]
    assert all(o["open"] + o["resolved"] == 0 for o in found["objections"][2:])
    gaps = {(b["low"], b["high"]): (b["competitor"], b["customer"]) for b in found["gaps"]}
    assert {k: v for k, v in gaps.items() if v != (0, 0)} == {(None, 0): (1, 0), (10, 20): (1, 0), (50, None): (0, 1)}
    assert found["gaps_without_percent"] == 1


def test_parts(tenancy: Tenancy, notes: dict[str, str]) -> None:
    parts = audited(tenancy)["parts"]
    shown = [(p["dimension"], p["missing"], p["vague"]) for p in parts]
    assert shown == [
        ("reflection", 5, 1), ("next_step", 4, 2), ("recognition", 4, 1), ("objection", 4, 1), ("figures", 4, 1),
        ("competition", 4, 1), ("close_attempt", 4, 1), ("diagnosis", 4, 1), ("need", 3, 2), ("kp", 2, 2),
    ]  # fmt: skip
    lost = {p["dimension"]: p["points_lost"] for p in parts}
    assert (lost["kp"], lost["need"], lost["reflection"], lost["next_step"]) == (6.0, 6.9, 4.7, 7.1)


def test_customers(tenancy: Tenancy, notes: dict[str, str]) -> None:
    lists = {c["reason"]: c for c in audited(tenancy)["customers"]}
    assert {r: [c["customer"] for c in one["customers"]] for r, one in lists.items()} == {
        "unproven": ["乙"],
        "not_moving": ["甲"],
        "asleep": ["丁"],
    }
    asleep = lists["asleep"]["customers"][0]
    assert (asleep["visits"], asleep["last_visit"], asleep["days_since"], asleep["note_id"]) == (1, "2026-10-01", 54, notes["n8"])
    assert lists["not_moving"]["by_rep"] == [{"rep_id": tenancy.reps[1], "name": "销售2", "customers": 1}]
    assert audited(tenancy, asleep_days="55")["customers"][2]["count"] == 0


@pytest.mark.parametrize(
    ("last", "not_moving", "unproven"),
    [
        (analysis(kp="met_other_only"), 1, 1),
        (analysis(levels={"next_step": 2}), 0, 1),  # the next step has become specific
        (analysis(outcome="signed"), 0, 0),
        (analysis(class_="D"), 0, 0),  # let go of
        (analysis(class_="B"), 0, 1),
        (analysis(kp="met_first_kp"), 1, 0),
    ],
)
def test_when_a_customer_is_done_with(tenancy: Tenancy, last, not_moving: int, unproven: int) -> None:
    for day in ("2026-11-02", "2026-11-03", "2026-11-03"):  # two notes of one day are one visit
        add(tenancy, day, analysis(class_="A"), customer="甲")
    assert [c["count"] for c in audited(tenancy)["customers"]] == [0, 1, 0]
    add(tenancy, "2026-11-04", last, customer="甲")
    assert [c["count"] for c in audited(tenancy)["customers"]] == [unproven, not_moving, 0]


def test_best_weakest_and_topics(tenancy: Tenancy, notes: dict[str, str]) -> None:
    found = audited(tenancy)
    assert [n["note_id"] for n in found["best"]] == [notes[n] for n in ("n1", "n5", "n6", "n4")]
    assert [n["note_id"] for n in found["weakest"]] == [notes[n] for n in ("n2", "n7", "n3")]
    assert [(r["dimension"], r["quote"]) for r in found["best"][0]["reasons"]] == [("kp", "王总"), ("objection", "王总"), ("need", "王总")]
    assert [(r["dimension"], r["points_lost"]) for r in found["weakest"][2]["reasons"]] == [
        ("objection", 14),
        ("need", 12),
        ("diagnosis", 12),
    ]
    first, second = found["topics"]
    assert (first["name"], first["part"]["dimension"], first["part"]["points_lost"]) == ("销售1", "objection", 8.4)
    assert [(e["note_id"], e["quote"]) for e in first["examples"]] == [(notes["n4"], "要再考虑"), (notes["n3"], "要再考虑")]
    assert (second["name"], second["part"], second["examples"]) == ("销售2", None, [])


def test_every_number_opens_as_many_notes(tenancy: Tenancy, notes: dict[str, str]) -> None:
    found = audited(tenancy)

    def opened(**fields: object) -> int:
        given = {k: v for k, v in {**NOVEMBER, **fields}.items() if v is not None}
        return len(tenancy.call("GET", "/v1/notes", params=given).json()["notes"])

    assert opened() == found["notes"]
    assert opened(outcome="signed") == found["signed"]
    for b in found["scores"]:
        for kind in ("diagnostic", "flow_of_events"):
            assert opened(min_score=b["low"], max_score=b["high"], kind=kind) == b[kind]
    for k in found["kp"]:
        assert opened(kp=k["status"]) == k["notes"]
    for o in found["objections"]:
        for status in ("open", "resolved"):
            assert opened(objection=o["type"], objection_status=status) == o[status]
    for b in found["gaps"]:
        for side in ("competitor", "customer"):
            assert opened(gap_against=side, gap_percent_from=b["low"], gap_percent_below=b["high"]) == b[side]
    assert opened(gap_without_percent="true") == found["gaps_without_percent"]
    for p in found["parts"]:
        assert (opened(missing=p["dimension"]), opened(vague=p["dimension"])) == (p["missing"], p["vague"])
    for r in found["reps"]:
        assert opened(**({"rep": r["rep_id"]} if r["rep_id"] else {"unassigned": "true"})) == r["notes"]


def test_who_sees_what(tenancy: Tenancy, world: World, notes: dict[str, str]) -> None:
    assert audited(tenancy, "trainer")["notes"] == 5
    assert audited(tenancy, team=tenancy.teams[1])["notes"] == 1
    assert audited(tenancy, rep=tenancy.reps[0])["notes"] == 5
    other = world.tenant()
    assert audited(other)["notes"] == 0
    for role, query in (("trainer", {"team": tenancy.teams[1]}), ("trainer", {"rep": tenancy.reps[1]})):
        assert tenancy.call("GET", "/v1/audits", role, params=query).status_code == 404
    for query in ({"team": tenancy.teams[0]}, {"rep": tenancy.reps[0]}):
        assert other.call("GET", "/v1/audits", params=query).status_code == 404
    with pytest.raises(NotInScopeError), reading(world.engine) as session:
        audit(session, Principal(other.id, "", "admin"), settle(AuditFilter(team=tenancy.teams[0]), TODAY))


@pytest.mark.parametrize("query", [{"from": "x"}, {"step": "year"}, {"asleep_days": "0"}, {"team": "x"}, {"unknown": "1"}])
def test_bad_queries_are_named(tenancy: Tenancy, query: dict[str, str]) -> None:
    answer = tenancy.call("GET", "/v1/audits", params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].removeprefix("query.") == next(iter(query))


def test_nothing_to_count(tenancy: Tenancy) -> None:
    found = audited(tenancy)
    assert (found["notes"], found["mean_score"], found["reps"], found["parts"], found["best"]) == (0, None, [], [], [])


def test_figures_follow_analyses_and_changes(tenancy: Tenancy, world: World) -> None:
    note_id = add(tenancy, "2026-11-02", analysis(), customer="甲", crm_id="c1")
    with writing(world.engine) as session:
        add_analysis(session, session.get_one(StoredNote, note_id), analysis("diagnostic", 2, version="v2"), world.clock())
    found = audited(tenancy)
    assert (found["notes"], found["mean_score"], found["model_versions"]) == (1, 100.0, [{"version": "v2", "notes": 1}])
    assert add(tenancy, "2026-11-02", analysis(), 1, "乙", crm_id="c1") == note_id  # the CRM gave it to another rep and customer
    found = audited(tenancy)
    assert [(r["name"], r["mean_score"]) for r in found["reps"]] == [("销售2", 100.0)]
    assert tenancy.call("DELETE", f"/v1/notes/{note_id}").status_code == 200
    assert audited(tenancy)["notes"] == 0


def test_the_migration_fills_what_is_stored(tenancy: Tenancy, world: World) -> None:
    furnish(tenancy)
    add(
        tenancy,
        "2026-11-02",
        analysis("diagnostic", 1, gaps=(Gap("competitor", (1, 2), 3.5, False),), class_="C"),
        customer="甲",
        customer_id="k1",
    )

    def rows() -> list[tuple]:
        with reading(world.engine) as session:
            return session.execute(
                select(*NoteFacts.__table__.c).where(NoteFacts.tenant_id == tenancy.id).order_by(NoteFacts.note_id)
            ).all()

    before = rows()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with rebuilding(world.engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")
        command.upgrade(config, "head")
    assert len(before) == 9
    assert rows() == before


@pytest.mark.parametrize(
    ("day", "week", "month"),
    [("2026-11-24", "2026-11-23", "2026-11-01"), ("2026-11-23", "2026-11-23", "2026-11-01"), ("2027-01-03", "2026-12-28", "2027-01-01"), ("0001-01-01", "0001-01-01", "0001-01-01")],
)  # fmt: skip
def test_weeks_begin_on_monday(day: str, week: str, month: str) -> None:
    assert (first_of(date.fromisoformat(day), "week"), first_of(date.fromisoformat(day), "month")) == (
        date.fromisoformat(week),
        date.fromisoformat(month),
    )
