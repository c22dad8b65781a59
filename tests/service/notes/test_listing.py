"""Filters, search and pages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.accounts.access import Principal
from service.database import reading, writing
from service.notes.deletion import delete_note
from service.notes.listing import NoteFilter, page
from service.notes.store import NewNote, save
from service.notes.tables import StoredNote
from tests.conftest import TODAY
from tests.service.conftest import Tenancy, World

DIAGNOSTIC = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。没讲清楚省的人工，怪我。下周三带案例去见王总"
FLOW = "今天去了城东，老板不在，资料放前台"


@pytest.fixture(scope="module")
def listed(engine, thread) -> Tenancy:
    from tests.service.conftest import make_world

    made = make_world(engine, thread).tenant()
    for text, fields in (
        (DIAGNOSTIC, {"visited_at": "2026-11-01", "rep_external_id": "crm-1", "customer": "恒达五金", "customer_id": "acc-1"}),
        (FLOW, {"visited_at": "2026-11-10", "rep_external_id": "crm-1", "customer": "城东模具"}),
        ("100%满意 a_b\\c Fupan 王总签了", {"visited_at": "2026-11-20", "rep_external_id": "crm-2", "customer_id": "acc-1"}),
        ("张姐说再考虑考虑", {"visited_at": "2026-11-24"}),
    ):
        made.world.clock.step(seconds=1)
        made.store(text, **fields)
    return made


def texts(tenancy: Tenancy, role: str = "admin", **query: object) -> set[str]:
    answer = tenancy.call("GET", "/v1/notes", role, params=query)
    assert answer.status_code == 200, answer.text
    return {n["text"][:4] for n in answer.json()["notes"]}


ALL = {"采购部李", "今天去了", "100%", "张姐说再"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ALL),
        ({"customer": "恒达五金"}, {"采购部李"}),
        ({"customer": "acc-1"}, {"采购部李", "100%"}),
        ({"customer": "恒达"}, set()),
        ({"from": "2026-11-10"}, ALL - {"采购部李"}),
        ({"to": "2026-11-10"}, {"采购部李", "今天去了"}),
        ({"from": "2026-11-10", "to": "2026-11-10"}, {"今天去了"}),
        ({"kind": "diagnostic", "min_score": 40}, {"采购部李"}),
        ({"max_score": 39}, ALL - {"采购部李"}),
        ({"min_score": 101}, None),
        ({"objection": "price"}, {"采购部李"}),
        ({"objection": "price", "objection_status": "resolved"}, set()),
        ({"q": "李经理"}, {"采购部李"}),
        ({"q": "fupan"}, {"100%"}),
        ({"q": "%"}, {"100%"}),
        ({"q": "_"}, {"100%"}),
        ({"q": "\\"}, {"100%"}),
        ({"q": "b\\c"}, {"100%"}),
        ({"q": "' OR '1'='1"}, set()),
        ({"q": "再考虑", "customer": "acc-1"}, set()),
    ],
)
def test_filters(listed: Tenancy, query: dict, expected: set[str] | None) -> None:
    if expected is None:
        assert listed.call("GET", "/v1/notes", params=query).status_code == 422
    else:
        assert texts(listed, **query) == expected


def test_filters_by_team_and_rep(listed: Tenancy) -> None:
    assert texts(listed, team=listed.teams[0]) == texts(listed, rep=listed.reps[0]) == texts(listed, "trainer") == texts(listed, "rep")
    assert texts(listed, team=listed.teams[1]) == {"100%"}
    assert texts(listed, "rep", rep=listed.reps[1]) == set()


@pytest.mark.parametrize("query", [{"q": ""}, {"q": "\x00"}, {"q": "x" * 201}, {"kind": "good"}, {"colour": "red"}, {"limit": 0}, {"limit": 201}, {"cursor": "nt_1"}, {"from": "gestern"}, {"team": "%"}])  # fmt: skip
def test_a_wrong_query_is_named_and_not_repeated(listed: Tenancy, query: dict) -> None:
    answer = listed.call("GET", "/v1/notes", params=query)
    assert answer.status_code == 422
    assert next(iter(query)) in answer.json()["errors"][0]["field"]


def test_a_list_tells_what_a_crm_shows(listed: Tenancy) -> None:
    entry = listed.call("GET", "/v1/notes", params={"q": "李经理"}).json()["notes"][0]
    full = listed.call("GET", f"/v1/notes/{entry['id']}").json()["analysis"]
    analysis = entry["analysis"]
    assert analysis["score"] == full["result"]["quality"]["score"]
    assert analysis["objections"] == [{"type": o["type"], "status": o["status"]} for o in full["result"]["objections"]]
    assert (analysis["price_gap"], analysis["price_gap_against"]) == (30000, "competitor")


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["page", "page", "insert", "delete"]), min_size=4, max_size=12), st.integers(1, 4))
def test_pages_neither_repeat_nor_hide_while_notes_come_and_go(world: World, analyze, steps: list[str], limit: int) -> None:
    tenancy, analysis = world.tenant(), analyze(FLOW)
    principal = Principal(tenancy.id, "ky_x", "admin")

    def insert() -> str:
        world.clock.step(milliseconds=1)
        with writing(world.engine) as session:
            return save(session, tenancy.id, NewNote(FLOW, "api"), analysis, world.clock(), TODAY).note.id

    first, seen, cursor, ended, deleted = [insert() for _ in range(7)], [], None, False, set()
    for step in [*steps, *["page"] * (len(steps) + 8)]:  # enough for one note a page
        if step == "insert":
            insert()
        elif step == "delete" and len(deleted) < len(first):
            victim = first[len(deleted) * 3 % 7]
            with writing(world.engine) as session:
                delete_note(session, session.get(StoredNote, victim), world.clock(), ())
            deleted.add(victim)
        elif step == "page" and not ended:
            with reading(world.engine) as session:
                rows, cursor = page(session, principal, NoteFilter(), cursor, limit)
                seen += [n.id for n, _ in rows]
            ended = cursor is None
    assert all(a > b for a, b in pairwise(seen))
    assert set(first) - deleted <= set(seen)
