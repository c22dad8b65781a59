"""From a CRM's request to its note, on both databases: every kind, once, whatever comes twice, late, or crashes between."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from service.database import reading
from service.inbound.adapters import ADAPTERS
from service.inbound.events import UNDER_WAY, counts
from service.inbound.tables import InboundEvent
from service.notes.tables import StoredAnalysis, StoredNote
from tests.service.conftest import Tenancy, World
from tests.service.inbound.sending import TEXT, outbound_message, sender, work_off


@pytest.fixture
def tenancy(world: World) -> Iterator[Tenancy]:
    """A tenant whose world takes hooks in."""
    world.inbound.intake.start()
    yield world.tenant()
    world.inbound.intake.stop()


def notes_of(tenancy: Tenancy) -> list[dict]:
    return tenancy.call("GET", "/v1/notes", params={"limit": 200}).json()["notes"]


@pytest.mark.parametrize("kind", ADAPTERS)
def test_a_note_of_every_kind_is_enriched(tenancy: Tenancy, kind: str) -> None:
    crm = sender(tenancy, kind)
    answer = crm.post("e1")
    assert answer.status_code == (200 if kind in ("wecom", "salesforce") else 202), answer.text
    assert ("<Ack>true</Ack>" in answer.text) == (kind == "salesforce")
    assert crm.states() == ["received"]
    assert work_off(tenancy) == 1
    note = notes_of(tenancy)[0]
    assert (note["text"], note["rep_id"], note["team_id"], note["source"]) == (TEXT, tenancy.reps[0], tenancy.teams[0], crm.id)
    assert note["analysis"]["objections"][0]["type"] == "price"
    event = crm.events()[0]
    assert (event["state"], event["note_id"], event["attempts"]) == ("done", note["id"], 1)
    assert crm.post("e1").status_code == answer.status_code
    assert work_off(tenancy) == 0


def test_the_same_event_fifty_times_at_once_is_one_note(tenancy: Tenancy) -> None:
    crm = sender(tenancy)
    with ThreadPoolExecutor(10) as pool:
        assert {r.status_code for r in pool.map(lambda _: crm.post("e1"), range(50))} == {202}
    assert work_off(tenancy) == 1
    assert len(notes_of(tenancy)) == 1
    with reading(tenancy.world.engine) as session:
        for table in (StoredAnalysis, StoredNote, InboundEvent):
            assert session.scalar(select(func.count()).select_from(table).where(table.tenant_id == tenancy.id)) == 1


def test_many_processes_do_an_event_once(tenancy: Tenancy) -> None:
    crm = sender(tenancy)
    crm.post("e1")
    event_id = crm.events()[0]["id"]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: tenancy.world.inbound.receive(event_id, n), [1] * 6))
    assert (crm.states(), len(notes_of(tenancy))) == (["done"], 1)


def test_a_batch_of_a_hundred_notifications(tenancy: Tenancy) -> None:
    crm = sender(tenancy, "salesforce")
    body = outbound_message([(f"04l{i}", f"00U{i}", f"王总嫌贵{i}") for i in range(100)])
    request = {**crm.request("e0"), "content": body}
    for _ in range(2):
        assert "<Ack>true</Ack>" in tenancy.world.http.request("POST", **request).text
    assert work_off(tenancy) == 100
    assert {n["crm_id"] for n in notes_of(tenancy)} == {f"00U{i}" for i in range(100)}
    assert {n["customer_id"] for n in notes_of(tenancy)} == {"acc-1"}


def test_an_older_event_does_not_replace_what_a_newer_one_wrote(tenancy: Tenancy) -> None:
    crm = sender(tenancy)
    crm.post("e2", "第二稿：王总签了", changed_at="2026-11-24T10:00:00Z")
    tenancy.world.clock.step(seconds=1)
    crm.post("e1", "第一稿：王总嫌贵", changed_at="2026-11-24T09:00:00Z")
    tenancy.world.clock.step(seconds=1)
    crm.post("e3", "第三稿：王总付款了", changed_at="2026-11-24T11:00:00Z")
    ids = [e["id"] for e in reversed(crm.events())]
    for event_id in ids:
        tenancy.world.inbound.receive(event_id, 1)
    assert [(e["event_id"], e["state"], e["reason"]) for e in crm.events()] == [
        ("e3", "done", None),
        ("e1", "skipped", "superseded"),
        ("e2", "done", None),
    ]
    note = notes_of(tenancy)[0]
    assert (note["text"], note["revision"]) == ("第三稿：王总付款了", 2)


def test_what_was_not_handed_over_is_found(tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> None:
    crm, world = sender(tenancy), tenancy.world
    crm.post("e1")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("service.inbound.events.mark", dies)
        with pytest.raises(KeyboardInterrupt):
            world.inbound.step()
    first = world.handed.pop()
    assert world.inbound.step() == 1
    assert world.handed.pop() == first, "handed over again by the same id, so that the queue knows it"
    assert world.inbound.step() == 0
    world.clock.step(minutes=3)
    assert world.inbound.step() == 1
    assert world.handed.pop() == replace(first, number=2), "after its lease it is handed over anew"
    world.inbound.receive(first.id, 2)
    assert (crm.states(), len(notes_of(tenancy))) == (["done"], 1)


def test_a_flood_leaves_others_their_turn(tenancy: Tenancy) -> None:
    flood, other = sender(tenancy), sender(tenancy)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: flood.post(f"e{i}", crm_id=f"v{i}"), range(UNDER_WAY + 20)))
    other.post("o1")
    assert tenancy.world.inbound.step() == UNDER_WAY
    others = {e["id"] for e in other.events()}
    assert others <= {handover.id for handover in tenancy.world.handed}
    assert tenancy.world.inbound.step() == 0, "no more than so many are under way"
    tenancy.world.handed.clear()
    tenancy.call("DELETE", f"/v1/integrations/{flood.id}")


def test_a_database_that_fails_leaves_the_event_for_later(tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> None:
    crm, world = sender(tenancy), tenancy.world
    crm.post("e1")

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception())

    with monkeypatch.context() as patched:
        patched.setattr("service.inbound.receiving.add_fresh", gone)
        assert work_off(tenancy) == 1
    assert crm.states() == ["received"]
    assert work_off(tenancy) == 0
    world.clock.step(seconds=3)
    assert work_off(tenancy) == 1
    assert crm.states() == ["done"]


def test_an_analyzer_that_fails_sets_the_event_aside(
    tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    crm = sender(tenancy)
    crm.post("e1")
    with monkeypatch.context() as patched:
        patched.setattr(tenancy.world.inbound.receiving.thread, "analyze_all", lambda notes, _: 1 / 0)
        work_off(tenancy)
    event = crm.events(state="failed")[0]
    assert event["reason"] == "analysis"
    assert TEXT not in "".join(capsys.readouterr())
    assert tenancy.call("POST", f"/v1/integrations/{crm.id}/events/{event['id']}/replay").json()["state"] == "received"
    work_off(tenancy)
    assert crm.states() == ["done"]


def test_one_note_that_fails_leaves_the_others_of_its_group_done(tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> None:
    crm, thread = sender(tenancy), tenancy.world.inbound.receiving.thread
    for number in range(12):
        crm.post(f"e{number}", "王总要命的一次" if number == 5 else f"王总嫌贵{number}", crm_id=f"v{number}")
    analyze_all = thread.analyze_all
    with monkeypatch.context() as patched:
        patched.setattr(
            thread, "analyze_all", lambda notes, rubric: 1 / 0 if any("要命" in n.text for n in notes) else analyze_all(notes, rubric)
        )
        assert work_off(tenancy) == 12
    assert (crm.states().count("done"), [e["event_id"] for e in crm.events(state="failed")]) == (11, ["e5"])
    assert len(notes_of(tenancy)) == 11


def test_a_group_with_one_visit_several_times_ends_as_one_after_the_other(tenancy: Tenancy) -> None:
    crm = sender(tenancy)
    crm.post("old", "第零稿", crm_id="v0")
    work_off(tenancy)
    for number, (crm_id, text) in enumerate((("v0", "第零稿"), ("v0", "第一稿"), ("v1", "初稿"), ("v1", "次稿"), ("v1", "次稿"))):
        tenancy.world.clock.step(seconds=1)
        crm.post(f"e{number}", text, crm_id=crm_id)
    crm.post("late", "旧稿", crm_id="v1", changed_at="2020-01-01T00:00:00Z")
    assert work_off(tenancy) == 6
    assert crm.states() == ["done"] * 6 + ["skipped"]
    assert {(n["crm_id"], n["text"], n["revision"]) for n in notes_of(tenancy)} == {("v0", "第一稿", 2), ("v1", "次稿", 2)}


def test_counts_by_state_are_for_metrics(tenancy: Tenancy) -> None:
    crm = sender(tenancy)
    crm.post("e1")
    with reading(tenancy.world.engine) as session:
        assert counts(session, crm.id) == {"received": 1, "done": 0, "skipped": 0, "failed": 0, "erased": 0}
        assert counts(session)["received"] >= 1
