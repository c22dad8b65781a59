"""Storing and reading notes, on SQLite and on PostgreSQL."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import func, select

from models.analysis import Note
from service.analyzing import AnalyzerThread
from service.database import reading, writing
from service.notes import store
from service.notes.store import NewNote
from service.notes.tables import AnalysisObjection, StoredAnalysis, StoredNote
from tests.service.conftest import Tenancy, World, make_world

NOTE = "采购部李经理说我们12.8万比用友贵了3万多😤，他做不了主，要等王总拍板。下周三带案例去见王总"


def test_a_note_is_stored_with_its_analysis_and_read_back(tenancy: Tenancy) -> None:
    sent = {"crm_id": "v-1", "visited_at": "2026-11-23", "rep_external_id": "crm-1", "customer": "城北恒达五金", "customer_id": "acc-7"}
    answer = tenancy.call("POST", "/v1/notes", json={"text": NOTE, **sent})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["text"], body["revision"], body["team_id"], body["rep_id"]) == (NOTE, 1, tenancy.teams[0], tenancy.reps[0])
    assert (body["crm_id"], body["customer"], body["visited_at"], body["source"]) == ("v-1", "城北恒达五金", "2026-11-23", "api")
    result = body["analysis"]["result"]
    assert result["id"] == body["id"]
    assert result["next_step"]["date"] == "2026-12-02"
    for o in result["objections"]:
        assert NOTE[o["start"] : o["end"]] == o["quote"]
    assert tenancy.call("GET", f"/v1/notes/{body['id']}").json() == body


def test_what_is_counted_stands_in_columns(tenancy: Tenancy) -> None:
    body = tenancy.store(NOTE)
    result = body["analysis"]["result"]
    with reading(tenancy.world.engine) as session:
        row = store.current_analysis(session, body["id"])
        objections = session.scalars(select(AnalysisObjection).where(AnalysisObjection.analysis_id == row.id)).all()
    assert (row.kind, row.score, row.kp_status) == (result["kind"]["label"], result["quality"]["score"], result["kp"]["status"])
    assert row.price_gap == pytest.approx(30000)
    assert row.price_gap_against == "competitor"
    assert [(o.type, o.status, o.quote_start, o.quote_end) for o in objections] == [
        (o["type"], o["status"], o["start"], o["end"]) for o in result["objections"]
    ]


def test_the_same_note_again_is_the_same_note(tenancy: Tenancy) -> None:
    first = tenancy.call("POST", "/v1/notes", json={"text": NOTE, "crm_id": "v-1"})
    again = tenancy.call("POST", "/v1/notes", json={"text": NOTE, "crm_id": "v-1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    moved = tenancy.store(NOTE, crm_id="v-1", team_id=tenancy.teams[1])
    assert (moved["id"], moved["team_id"], moved["revision"]) == (first.json()["id"], tenancy.teams[1], 1)
    assert len(tenancy.call("GET", f"/v1/notes/{moved['id']}/analyses").json()["analyses"]) == 1


@pytest.mark.parametrize("change", [{"text": "王总签了"}, {"text": "王总嫌贵", "visited_at": "2026-11-01"}])
def test_a_changed_note_is_a_new_revision_and_its_old_analysis_stays(tenancy: Tenancy, change: dict) -> None:
    first = tenancy.store("王总嫌贵", crm_id="v-1")
    tenancy.world.clock.step(hours=1)
    changed = tenancy.call("POST", "/v1/notes", json={"crm_id": "v-1", **change})
    assert changed.status_code == 200
    body = changed.json()
    assert (body["id"], body["revision"], body["text"]) == (first["id"], 2, change["text"])
    assert body["changed"] > body["created"] == first["created"]
    analyses = tenancy.call("GET", f"/v1/notes/{body['id']}/analyses").json()["analyses"]
    assert [(a["revision"], a["current"]) for a in analyses] == [(2, True), (1, False)]
    assert analyses[1]["result"] == first["analysis"]["result"]
    revisions = tenancy.call("GET", f"/v1/notes/{body['id']}/revisions").json()["revisions"]
    assert [(r["revision"], r["text"], r["visited_at"]) for r in revisions] == [(1, "王总嫌贵", "2026-11-24")]


def test_a_crm_id_belongs_to_its_source(tenancy: Tenancy, world: World) -> None:
    other = world.key(tenancy.id, "integration")
    mine = tenancy.store("王总嫌贵", "integration", crm_id="v-1")
    theirs = world.http.post("/v1/notes", json={"text": "李姐签了", "crm_id": "v-1"}, headers={"authorization": f"Bearer {other}"})
    assert theirs.status_code == 201
    assert theirs.json()["id"] != mine["id"]
    assert tenancy.store("王总嫌贵", "rep", crm_id="v-1")["source"] == tenancy.reps[0]
    replaced = world.key(tenancy.id, "integration", integration_id=mine["source"])
    again = world.http.post("/v1/notes", json={"text": "王总嫌贵", "crm_id": "v-1"}, headers={"authorization": f"Bearer {replaced}"})
    assert again.json()["id"] == mine["id"]


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"text": "王总嫌贵", "draft": True}, "draft"),
        ({"text": " \u200b"}, "text"),
        ({"text": "王总\x00"}, "text"),
        ({"text": "啊" * 20001}, "text"),
        ({}, "text"),
        ({"text": "王总", "rep_id": "pe_" + "0" * 32}, "rep_id"),
        ({"text": "王总", "rep_external_id": "nobody"}, "rep_external_id"),
        ({"text": "王总", "team_id": "tm_" + "0" * 32}, "team_id"),
        ({"text": "王总", "team_id": "一组"}, "team_id"),
        ({"text": "王总", "customer": "c\x00"}, "customer"),
        ({"text": "王总", "crm_id": "x" * 201}, "crm_id"),
        ({"text": "王总", "visited_at": 20261124}, "visited_at"),
        ({"text": "王总", "colour": 1}, "colour"),
    ],
)
def test_a_field_at_fault_is_named_and_nothing_is_stored(tenancy: Tenancy, payload: dict, field: str) -> None:
    answer = tenancy.call("POST", "/v1/notes", json=payload)
    assert answer.status_code == 422
    assert field in [e["field"] for e in answer.json()["errors"]]
    assert tenancy.call("GET", "/v1/notes").json() == {"notes": [], "next": None}


def test_an_unreadable_body_is_a_problem(tenancy: Tenancy) -> None:
    for raw in (b"{", b'{"text": "\\ud800"}', b'{"text": "\xff"}', b"[]"):
        answer = tenancy.call("POST", "/v1/notes", content=raw)
        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"


def test_hostile_text_is_kept_as_it_is(tenancy: Tenancy) -> None:
    text = "'; DROP TABLE notes; -- <script>alert(1)</script> %_\\ \u202e\ufeff 王总嫌贵 🤷🏽‍♀️ \r\n{{7*7}}"
    assert tenancy.call("GET", f"/v1/notes/{tenancy.store(text)['id']}").json()["text"] == text


def test_a_batch_reports_item_by_item(tenancy: Tenancy) -> None:
    items = [
        {"text": "王总嫌贵", "crm_id": "a"},
        {"text": "", "crm_id": "b"},
        "no object",
        {"text": "王总嫌贵", "crm_id": "a"},
        {"text": "王总签了", "crm_id": "a"},
    ]
    body = tenancy.call("POST", "/v1/notes/batch", json={"notes": items}).json()
    assert body["errors"] == 2
    assert [e.get("change") for e in body["notes"]] == ["created", None, None, "same", "revised"]
    assert (body["notes"][1]["id"], body["notes"][1]["index"], body["notes"][1]["error"]["errors"][0]["field"]) == ("b", 1, "text")
    assert len({body["notes"][i]["id"] for i in (0, 3, 4)}) == 1


def test_a_reps_key_stores_its_own_notes_only(tenancy: Tenancy) -> None:
    assert tenancy.store(role="rep")["rep_id"] == tenancy.reps[0]
    for other in ({"rep_id": tenancy.reps[1]}, {"rep_external_id": "crm-2"}, {"team_id": tenancy.teams[1]}):
        assert tenancy.call("POST", "/v1/notes", "rep", json={"text": "王总嫌贵", **other}).status_code == 403


def test_an_event_is_written_once_however_late_it_comes_again(tenancy: Tenancy, thread: AnalyzerThread) -> None:
    engine, now = tenancy.world.engine, tenancy.world.clock
    first, second = (NewNote(text, "in_1", crm_id="v-1", event_id=event) for text, event in (("王总嫌贵", "e1"), ("王总签了", "e2")))
    assert store.keep(engine, thread, tenancy.id, first, now).change == "created"
    assert store.keep(engine, thread, tenancy.id, second, now).change == "revised"
    late = store.keep(engine, thread, tenancy.id, first, now)
    assert (late.change, late.note.text, late.note.revision) == ("same", "王总签了", 2)


def test_a_note_sent_by_many_at_once_is_stored_once(tenancy: Tenancy, thread: AnalyzerThread) -> None:
    new = NewNote("王总嫌贵", "in_1", crm_id="v-1", event_id="e1")
    with ThreadPoolExecutor(6) as pool:
        saved = list(pool.map(lambda _: store.keep(tenancy.world.engine, thread, tenancy.id, new, tenancy.world.clock), range(6)))
    assert sorted(s.change for s in saved) == ["created", *["same"] * 5]
    assert len({s.note.id for s in saved}) == 1
    with reading(tenancy.world.engine) as session:
        assert session.scalar(select(func.count()).select_from(StoredAnalysis).where(StoredAnalysis.tenant_id == tenancy.id)) == 1


def test_what_is_done_on_analysis_is_in_the_same_transaction(tenancy: Tenancy, thread: AnalyzerThread) -> None:
    seen: list[tuple[str, str, str]] = []

    def fails(session, tenant_id: str, note_id: str, analysis_id: str) -> None:
        seen.append((tenant_id, note_id, analysis_id))
        assert session.get(StoredAnalysis, analysis_id).note_id == note_id
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.keep(tenancy.world.engine, thread, tenancy.id, NewNote("王总嫌贵", "api"), tenancy.world.clock, fails)
    assert seen[0][0] == tenancy.id
    with reading(tenancy.world.engine) as session:
        assert session.scalar(select(func.count()).select_from(StoredNote).where(StoredNote.tenant_id == tenancy.id)) == 0


def test_save_asks_for_the_analysis_it_needs(tenancy: Tenancy) -> None:
    with pytest.raises(store.AnalysisNeededError), writing(tenancy.world.engine) as session:
        store.save(session, tenancy.id, NewNote("王总嫌贵", "api"), None, tenancy.world.clock(), date(2026, 11, 24))


class NewerModel(AnalyzerThread):
    """The analyzer at hand under another version."""

    def __init__(self, thread: AnalyzerThread) -> None:
        super().__init__(thread._analyzer, thread.today)

    @property
    def card(self):
        return dataclasses.replace(super().card, version="newer")

    def analyze(self, note: Note, *rubric):
        analysis = super().analyze(note, *rubric)
        return dataclasses.replace(analysis, model=dataclasses.replace(analysis.model, version="newer"))


def test_a_newer_model_adds_its_analysis_once(tenancy: Tenancy, thread: AnalyzerThread) -> None:
    note = tenancy.store("王总嫌贵")
    path = f"/v1/notes/{note['id']}/analyses"
    same = tenancy.call("POST", path)
    assert (same.status_code, same.json()["id"]) == (200, note["analysis"]["id"])
    newer = make_world(tenancy.world.engine, NewerModel(thread))
    newer.clock.step(days=1)
    headers = {"authorization": f"Bearer {tenancy.keys['admin']}"}
    assert newer.http.post(path, headers=headers).status_code == 201
    assert newer.http.post(path, headers=headers).status_code == 200
    analyses = tenancy.call("GET", path).json()["analyses"]
    assert [(a["model_version"], a["current"]) for a in analyses] == [("newer", True), (thread.card.version, False)]
    assert analyses[1] == {**note["analysis"], "current": False}
