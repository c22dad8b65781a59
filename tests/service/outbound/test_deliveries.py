"""From a stored note to a received delivery and everything that comes between, stepped by hand, on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from service.outbound import sending
from service.outbound.addresses import AllowList
from service.outbound.outcome import Outcome
from service.outbound.schedule import DELAYS, MAX_ATTEMPTS
from tests.service.outbound.conftest import answer
from tests.service.outbound.house import NOTE, House, body_of, head_of, script, verified

OK = answer("204 No Content")


def test_a_stored_note_is_delivered_signed(house: House) -> None:
    receiver = house.receiver(OK)
    made = house.subscribe(receiver)
    note = house.tenancy.store(NOTE, crm_id="v-1", rep_external_id="crm-1", customer_id="acc-7")
    assert house.work() == 1
    event = verified(made["secret"], receiver.requests[0])
    result = note["analysis"]["result"]
    assert (event["type"], event["data"]["note"]["id"], event["data"]["note"]["crm_id"]) == ("note.analyzed", note["id"], "v-1")
    assert (event["data"]["note"]["rep_external_id"], event["data"]["note"]["customer_id"]) == ("crm-1", "acc-7")
    assert (event["data"]["score"], event["data"]["analysis_id"]) == (result["quality"]["score"], note["analysis"]["id"])
    assert NOTE not in receiver.requests[0].decode()
    (delivery,) = house.listed()
    assert (delivery["state"], delivery["attempts"], delivery["id"]) == ("delivered", 1, head_of(receiver.requests[0])["webhook-id"])
    assert [(a["number"], a["status"], a["failure"]) for a in house.attempts(delivery["id"])] == [(1, 204, None)]
    assert house.work() == 0


def test_the_text_is_sent_to_who_asked_for_it(house: House) -> None:
    receiver = house.receiver(OK)
    house.subscribe(receiver, include_text=True)
    house.tenancy.store(NOTE, crm_id="v-1")
    house.tenancy.store("王总签了", crm_id="v-1")
    house.work()
    texts = [body_of(r)["data"]["text"] for r in receiver.requests]
    assert sorted(texts) == sorted([NOTE, "王总签了"]), "each analysis comes with the revision it is of"


def test_a_failure_is_tried_again_with_the_same_id(house: House) -> None:
    receiver = house.receiver(script(answer("500 Oops"), OK))
    made = house.subscribe(receiver)
    house.tenancy.store(NOTE)
    assert house.work() == 1
    (waiting,) = house.listed(state="pending")
    assert (waiting["attempts"], waiting["next_at"]) == (1, (house.clock() + DELAYS[0]).isoformat().replace("+00:00", "Z"))
    house.clock.step(seconds=4.9)
    assert house.work() == 0
    house.clock.step(seconds=0.1)
    assert house.work() == 1
    first, second = (head_of(r) for r in receiver.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] != second["webhook-timestamp"]
    assert verified(made["secret"], receiver.requests[1]) == body_of(receiver.requests[0])
    assert [(a["status"]) for a in house.attempts(waiting["id"])] == [500, 204]


@pytest.mark.parametrize(
    ("behave", "status", "seconds"),
    [
        (answer("301 Moved", "Location: https://example.com/\r\n"), 301, 5),
        (answer("429 Too Many", "Retry-After: 7200\r\n"), 429, 7200),
        (answer("429 Too Many"), 429, 60),
        (answer("503 Later", "Retry-After: 120\r\n"), 503, 120),
        (lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"), None, 5),
    ],
)
def test_when_it_is_tried_again(house: House, behave, status: int | None, seconds: int) -> None:
    receiver = house.receiver(behave)
    house.subscribe(receiver)
    house.tenancy.store(NOTE)
    assert house.work() == 1
    (delivery,) = house.listed(state="pending")
    assert delivery["next_at"] == (house.clock() + datetime.timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    assert [(a["status"]) for a in house.attempts(delivery["id"])] == [status]
    assert len(receiver.requests) == 1


def test_after_the_last_attempt_it_is_dead_and_can_be_replayed(house: House) -> None:
    receiver = house.receiver(script(*[answer("500 Oops")] * MAX_ATTEMPTS, OK))
    made = house.subscribe(receiver)
    house.tenancy.store(NOTE)
    house.work()
    for delay in DELAYS:
        house.clock.step(seconds=delay.total_seconds())
        assert house.work() == 1
    (dead,) = house.listed(state="dead")
    assert (dead["reason"], dead["attempts"], dead["next_at"]) == ("attempts_used_up", MAX_ATTEMPTS, None)
    house.clock.step(days=9)
    assert house.work() == 0
    path = f"/v1/subscriptions/{made['id']}/replay"
    assert house.tenancy.call("POST", path, json={"since": house.clock().isoformat()}).json() == {"replayed": 0}
    assert house.tenancy.call("POST", path, json={"since": dead["finished"]}).json() == {"replayed": 1}
    assert house.work() == 1
    assert {head_of(r)["webhook-id"] for r in receiver.requests} == {dead["id"]}
    (delivered,) = house.listed(state="delivered")
    assert (delivered["attempts"], len(house.attempts(dead["id"]))) == (1, MAX_ATTEMPTS + 1)
    again = house.tenancy.call("POST", f"/v1/deliveries/{dead['id']}/replay")
    assert (again.status_code, again.json()["state"], house.work()) == (202, "pending", 1)


def test_gone_disables_the_subscription(house: House) -> None:
    receiver = house.receiver(script(answer("410 Gone"), OK))
    made = house.subscribe(receiver)
    for _ in range(3):
        house.tenancy.store(NOTE)
    house.work()
    assert len(receiver.requests) == 1, "the others do not leave any more"
    shown = house.tenancy.call("GET", f"/v1/subscriptions/{made['id']}").json()
    assert (shown["state"], shown["reason"]) == ("disabled", "gone")
    assert [d["reason"] for d in house.listed(state="dead")] == ["gone", "subscription_disabled", "subscription_disabled"]
    house.tenancy.store(NOTE)
    assert len(house.listed()) == 3, "for a disabled subscription nothing is kept"
    since = {"since": "2026-01-01T00:00:00Z"}
    assert house.tenancy.call("POST", f"/v1/subscriptions/{made['id']}/replay", json=since).status_code == 409
    assert house.tenancy.call("POST", f"/v1/deliveries/{house.listed()[0]['id']}/replay").status_code == 409
    assert house.tenancy.call("POST", f"/v1/subscriptions/{made['id']}/test").status_code == 409
    assert house.tenancy.call("POST", f"/v1/subscriptions/{made['id']}/resume").json()["state"] == "active"
    assert house.tenancy.call("POST", f"/v1/subscriptions/{made['id']}/replay", json=since).json() == {"replayed": 3}
    assert house.work() == 3


def test_a_410_noted_late_does_not_end_what_was_resumed_meanwhile(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = house.receiver(answer("410 Gone"))
    at = f"/v1/subscriptions/{house.subscribe(receiver)['id']}"
    send, late = sending.send, []

    def noted_late(*request) -> Outcome:
        outcome = send(*request)
        if not late:
            late.append(None)
            house.make_attempt(house.queue.pop())  # the other delivery's 410 is noted before this one's, and the admin is quick
            assert house.tenancy.call("GET", at).json()["state"] == "disabled"
            house.tenancy.call("POST", f"{at}/resume")
            assert house.tenancy.call("POST", f"{at}/replay", json={"since": "2026-01-01T00:00:00Z"}).json() == {"replayed": 2}
        return outcome

    monkeypatch.setattr(sending, "send", noted_late)
    for _ in range(2):
        house.tenancy.store(NOTE)
    house.deliveries.step()
    house.make_attempt(house.queue.pop())
    assert len(receiver.requests) == 2
    assert house.tenancy.call("GET", at).json()["state"] == "active"
    assert [d["state"] for d in house.listed()] == ["pending", "pending"]


def test_while_paused_events_wait(house: House) -> None:
    receiver = house.receiver(OK)
    made = house.subscribe(receiver)
    house.tenancy.store(NOTE)
    house.deliveries.step()
    house.tenancy.call("POST", f"/v1/subscriptions/{made['id']}/pause")
    house.make_attempt(house.queue.pop())
    house.tenancy.store(NOTE)
    assert (house.work(), receiver.requests) == (0, [])
    house.tenancy.call("POST", f"/v1/subscriptions/{made['id']}/resume")
    assert house.work() == 2


def test_deletion_cancels_and_is_told(house: House) -> None:
    receiver = house.receiver(OK)
    made = house.subscribe(receiver)
    note = house.tenancy.store(NOTE, crm_id="v-1")
    house.clock.step(seconds=1)
    receipt = house.tenancy.call("DELETE", f"/v1/notes/{note['id']}").json()
    assert receipt["counts"]["deliveries"] == 1
    assert house.work() == 1
    event = verified(made["secret"], receiver.requests[0])
    assert (event["type"], event["data"]["note"]["id"], event["data"]["note"]["crm_id"]) == ("note.deleted", note["id"], "v-1")
    assert [(d["event_type"], d["state"]) for d in house.listed()] == [("note.analyzed", "cancelled"), ("note.deleted", "delivered")]
    assert house.tenancy.call("POST", f"/v1/deliveries/{house.listed()[0]['id']}/replay").status_code == 409


def test_a_note_deleted_before_its_replay_is_not_told(house: House) -> None:
    receiver = house.receiver(OK)
    house.subscribe(receiver, event_types=["note.analyzed"])
    note = house.tenancy.store(NOTE)
    house.work()
    house.tenancy.call("DELETE", f"/v1/notes/{note['id']}")
    assert house.tenancy.call("POST", f"/v1/deliveries/{house.listed()[0]['id']}/replay").status_code == 202
    house.work()
    assert (house.listed()[0]["state"], house.listed()[0]["reason"], len(receiver.requests)) == ("cancelled", "note_deleted", 1)


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, True),
        ({"score_below": 100, "objections": [{"type": "price"}]}, True),
        ({"price_gap": {"against": "competitor"}}, True),
        ({"price_gap": {"amount_above": 9e9}}, False),
        ({"objections": [{"type": "trust"}]}, False),
        ({"teams": ["tm_" + "0" * 32]}, False),
    ],
)
def test_filters_choose(house: House, filters: dict, passes: bool) -> None:
    house.subscribe(house.receiver(OK), filters=filters)
    house.tenancy.store(NOTE)
    assert len(house.listed()) == passes


def test_a_subscription_gets_what_is_its_tenants_own(house: House) -> None:
    house.subscribe(house.receiver(OK))
    house.tenancy.world.tenant().store(NOTE)
    assert house.listed() == []


def test_an_integrations_subscription_gets_what_it_wrote(house: House) -> None:
    house.subscribe(house.receiver(OK), "integration")
    house.tenancy.store(NOTE)
    house.tenancy.store(NOTE, "rep")
    assert house.listed() == []
    mine = house.tenancy.store(NOTE, "integration")
    assert [d["note_id"] for d in house.listed()] == [mine["id"]]


def test_an_address_that_is_no_longer_allowed_is_not_connected_to(house: House) -> None:
    receiver = house.receiver(OK)
    made = house.subscribe(receiver)
    house.deliveries.connector = replace(house.deliveries.connector, allowed=AllowList())
    house.tenancy.store(NOTE)
    house.work()
    assert (receiver.requests, house.listed()[0]["reason"]) == ([], "url_refused")
    for url in (
        f"http://127.0.0.1:{receiver.port}/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "ftp://a.example/",
        "https://u:p@a.example/",
    ):
        for method, path in (("POST", "/v1/subscriptions"), ("PATCH", f"/v1/subscriptions/{made['id']}")):
            refused = house.tenancy.call(method, path, json={"url": url})
            assert (refused.status_code, [e["field"] for e in refused.json()["errors"]]) == (422, ["url"]), url
            assert url not in refused.text
