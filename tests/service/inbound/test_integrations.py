"""Setting a CRM up: creating, trying a sample, mending a mapping, rotating, pausing, deleting; what deletion and retention reach."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.database import reading, writing
from service.inbound import events
from service.inbound.adapters import ADAPTERS
from service.inbound.erasing import erase
from service.inbound.tables import InboundEvent, Integration
from service.notes.deletion import run_retention
from tests.service.conftest import Tenancy, World
from tests.service.inbound.sending import SECRETS, TEXT, Sender, outbound_message, sender, work_off


@pytest.fixture
def tenancy(world: World) -> Iterator[Tenancy]:
    world.inbound.intake.start()
    yield world.tenant()
    world.inbound.intake.stop()


@pytest.mark.parametrize("kind", ADAPTERS)
def test_creating_tells_what_to_paste_and_the_secret_once(tenancy: Tenancy, kind: str) -> None:
    made = tenancy.call("POST", "/v1/integrations", json={"kind": kind, "label": "我们的CRM", "secrets": SECRETS[kind]}).json()
    assert made["hook_url"].endswith(f"/v1/hooks/{made['id']}")
    assert any(made["hook_url"] in step for step in made["setup"])
    assert not any("{" in step for step in made["setup"])
    assert (made["secrets"] is None) == (kind == "hubspot"), "HubSpot's is made by HubSpot"
    read = tenancy.call("GET", f"/v1/integrations/{made['id']}").json()
    assert not {"secrets", "setup"} & read.keys()
    assert tenancy.call("GET", "/v1/integrations").json() == {"integrations": [read], "next": None}
    with reading(tenancy.world.engine) as session:
        stored = session.get_one(Integration, made["id"]).secrets
    assert not any(str(v).strip("[]'") in stored for v in (made["secrets"] or SECRETS[kind]).values() if len(str(v)) > 8)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"kind": "other"}, "kind"),
        ({"kind": "hubspot"}, "secrets.client_secrets"),
        ({"kind": "wecom"}, "secrets.receive_ids"),
        ({"kind": "standard", "secrets": {"secrets": ["whsec_AAAA"]}}, "secrets.secrets"),
        ({"kind": "push", "secrets": {"signed": "{timestamp}"}}, "secrets"),
        ({"kind": "push", "secrets": {"colour": 1}}, "secrets.colour"),
        ({"kind": "push", "mapping": "nobody"}, "mapping"),
        ({"kind": "push", "mapping": {"text": "a["}}, "mapping.text.path"),
        ({"kind": "push", "team_id": "tm_" + "0" * 32}, "team_id"),
        ({"kind": "push", "unknown": "guess"}, "unknown"),
    ],
)
def test_a_field_at_fault_is_named_and_nothing_repeated(tenancy: Tenancy, asked: dict, field: str) -> None:
    answer = tenancy.call("POST", "/v1/integrations", json={"label": "x", **asked})
    assert answer.status_code == 422
    assert any(e["field"].startswith(field) for e in answer.json()["errors"]), answer.text
    assert "whsec_AAAA" not in answer.text


def test_trying_a_sample_stores_nothing(tenancy: Tenancy) -> None:
    crm = sender(tenancy, "push")
    path = f"/v1/integrations/{crm.id}/try"
    tried = tenancy.call(
        "POST", path, json={"payload": {"id": 7, "text": TEXT, "rep_id": "crm-1", "visited_at": "2026-11-24 14:30"}}
    ).json()["events"]
    note = tried[0]["note"]
    assert (tried[0]["outcome"], note["text"], note["crm_id"], note["rep_known"], note["visited_at"]) == (
        "note",
        TEXT,
        "7",
        True,
        "2026-11-24",
    )
    failed = tenancy.call("POST", path, json={"body": '{"content": "王总嫌贵", "visited_at": "昨天"}'}).json()["events"][0]
    assert (failed["outcome"], failed["reason"]) == ("failed", "mapping")
    assert [f["field"] for f in failed["faults"]] == ["mapping.visited_at"]
    mended = {"body": '{"content": "王总嫌贵"}', "mapping": {"text": "content"}}
    assert tenancy.call("POST", path, json=mended).json()["events"][0]["note"]["text"] == "王总嫌贵"
    for bad in ({}, {"body": "{"}, {"body": "{}", "payload": {}}, {"payload": {}, "mapping": {"text": ""}}):
        assert tenancy.call("POST", path, json=bad).status_code == 422
    salesforce = sender(tenancy, "salesforce")
    body = outbound_message([("1", "00U1", "王总"), ("2", "00U2", "李总")])
    assert len(tenancy.call("POST", f"/v1/integrations/{salesforce.id}/try", json={"body": body}).json()["events"]) == 2
    assert (crm.events(), tenancy.call("GET", "/v1/notes").json()["notes"]) == ([], [])


def test_a_mended_mapping_and_a_replay_make_the_note(tenancy: Tenancy) -> None:
    crm = sender(tenancy, "push", mapping={"text": "body.content", "crm_id": "id"})
    crm.post("e1")
    crm.post("e2", crm_id="v2")
    work_off(tenancy)
    failed = crm.events(state="failed")
    assert [(e["reason"], e["faults"][0]["field"]) for e in failed] == [("mapping", "mapping.text")] * 2
    change = tenancy.call("PATCH", f"/v1/integrations/{crm.id}", json={"mapping": "push"})
    assert change.json()["mapping"]["text"]["path"] == "text"
    assert tenancy.call("POST", f"/v1/integrations/{crm.id}/replay", json={}).json() == {"replayed": 2}
    work_off(tenancy)
    assert crm.states() == ["done", "done"]
    assert len(tenancy.call("GET", "/v1/notes").json()["notes"]) == 2


def test_notes_that_are_too_long_or_blank_and_events_not_wanted(tenancy: Tenancy) -> None:
    crm = sender(tenancy)
    crm.post("e1", "长" * 20_001)
    crm.post("e2", "\u200b\u200b", "v2")
    work_off(tenancy)
    assert {(e["reason"], e["faults"][0]["field"]) for e in crm.events()} == {("note", "text")}
    hub = sender(tenancy, "hubspot")
    hub.post("e1", propertyName="other")
    work_off(tenancy)
    assert [(e["state"], e["reason"]) for e in hub.events()] == [("skipped", "filtered")]


@pytest.mark.parametrize(("unknown", "made"), [("create", True), ("empty", False)])
def test_an_unknown_rep_and_team(tenancy: Tenancy, unknown: str, made: bool) -> None:
    crm = sender(tenancy, "push", unknown=unknown, team_id=tenancy.teams[1])
    crm.post("e1", rep_id="crm-new", team="三组")
    crm.post("e2", crm_id="v2", rep_id="crm-newer")
    work_off(tenancy)
    second, first = sorted(tenancy.call("GET", "/v1/notes").json()["notes"], key=lambda n: n["crm_id"], reverse=True)
    people = {p["external_id"]: p for p in tenancy.call("GET", "/v1/people").json()["people"]}
    teams = {t["name"]: t["id"] for t in tenancy.call("GET", "/v1/teams").json()["teams"]}
    assert ("crm-new" in people, "三组" in teams) == (made, made)
    assert (first["rep_id"] is not None) == made
    assert first["team_id"] == (teams["三组"] if made else tenancy.teams[1])
    assert second["team_id"] == tenancy.teams[1]


def test_rotating_secrets_loses_nothing_in_between(tenancy: Tenancy) -> None:
    crm = sender(tenancy)
    old = Sender(tenancy, "standard", crm.secrets, crm.id)
    path = f"/v1/integrations/{crm.id}/secrets"
    answer = tenancy.call("POST", path, json={}).json()
    assert answer["secrets_valid"] == 2
    crm.secrets = {"secrets": answer["secrets"]["secrets"][:1]}
    assert [s.post(e).status_code for s, e in ((old, "e1"), (crm, "e2"))] == [202, 202]
    assert tenancy.call("DELETE", f"{path}/previous").json()["secrets_valid"] == 1
    assert [s.post(e).status_code for s, e in ((old, "e3"), (crm, "e4"))] == [401, 202]
    assert tenancy.call("POST", path, json={"secrets": {"secrets": ["short"]}}).status_code == 422
    hub = sender(tenancy, "hubspot")
    given = {"secrets": {"client_secrets": ["another-client-secret"]}}
    replaced = tenancy.call("POST", f"/v1/integrations/{hub.id}/secrets", json=given).json()
    assert (replaced["secrets_valid"], replaced["secrets"]) == (2, None)


def test_what_comes_in_a_pause_waits(tenancy: Tenancy) -> None:
    crm = sender(tenancy)
    assert tenancy.call("POST", f"/v1/integrations/{crm.id}/pause").json()["state"] == "paused"
    assert crm.post("e1").status_code == 202
    assert work_off(tenancy) == 0
    assert tenancy.call("POST", f"/v1/integrations/{crm.id}/resume").json()["state"] == "active"
    assert work_off(tenancy) == 1
    assert crm.states() == ["done"]


def payloads(tenancy: Tenancy) -> str:
    with reading(tenancy.world.engine) as session:
        return "".join(p or "" for p in session.scalars(select(InboundEvent.payload).where(InboundEvent.tenant_id == tenancy.id)))


@pytest.mark.parametrize("subject", [{"customer": "华东机械"}, {"customer_id": "acc-9"}, {"person_id": "{rep}"}])
def test_deleting_a_customer_or_a_person_reaches_the_events(tenancy: Tenancy, subject: dict) -> None:
    crm = sender(tenancy, "push")
    failing = sender(tenancy, "push", mapping={"text": "nothing"})
    waiting = sender(tenancy, "push")
    tenancy.call("POST", f"/v1/integrations/{waiting.id}/pause")
    for one in (crm, failing, waiting):
        one.post("e1", customer="华东机械", customer_id="acc-9")
        one.post("e2", crm_id="v2", customer="华北机械", customer_id="acc-8", rep_id="crm-2")
    work_off(tenancy)
    assert "华东机械" in payloads(tenancy)
    asked = {k: v.format(rep=tenancy.reps[0]) for k, v in subject.items()}
    receipt = tenancy.call("POST", "/v1/deletions", json=asked).json()
    assert (receipt["counts"]["notes"], receipt["counts"]["events"]) == (1, 3)
    left = payloads(tenancy)
    assert "华东机械" not in left
    assert left.count("华北机械") == 2
    assert (crm.states(), failing.states(), waiting.states()) == (["done", "erased"], ["failed"], ["received"])
    assert crm.post("e1", customer="华东机械", customer_id="acc-9").status_code == 202
    assert work_off(tenancy) == 0, "the CRM sending it again does not bring the note back"


def test_a_stored_note_is_all_that_is_left_and_time_takes_the_rest(tenancy: Tenancy) -> None:
    crm, failing = sender(tenancy, "push"), sender(tenancy, "push", mapping={"text": "nothing"})
    crm.post("e1")
    failing.post("e1")
    work_off(tenancy)
    assert payloads(tenancy).count("crm-1") == 1, "of the one that failed"
    tenancy.call("PUT", "/v1/retention", json={"days": 10})
    world = tenancy.world
    world.clock.step(days=11)
    run_retention(world.engine, world.clock, (erase,))
    with writing(world.engine) as session:
        events.purge(session, world.clock(), timedelta(days=30))
    assert (crm.states(), failing.states(), payloads(tenancy)) == ([], [], "")


def test_an_integrations_key_reads_what_its_hook_wrote(tenancy: Tenancy) -> None:
    crm = sender(tenancy)
    crm.post("e1")
    work_off(tenancy)
    key = tenancy.world.key(tenancy.id, "integration", integration_id=crm.id)
    for given, count in ((key, 1), (tenancy.keys["integration"], 0)):
        notes = tenancy.world.http.get("/v1/notes", headers={"authorization": f"Bearer {given}"}).json()["notes"]
        assert len(notes) == count
