"""From a stored note to a received delivery and everything that comes between, stepped by hand, on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime
import socket
import threading
from dataclasses import replace

import pytest
import standardwebhooks
from sqlalchemy import select

from service.database import reading, writing
from service.outbound import outbox
from service.outbound.addresses import AllowList
from service.outbound.schedule import DELAYS, MAX_ATTEMPTS
from service.outbound.tables import Delivery, DeliveryAttempt, SubscriptionSecret
from service.vault import Vault, generate_key
from tests.service.outbound.conftest import Receiver, answer
from tests.service.outbound.house import House, body_of, head_of

NOTE = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"
OK = answer("204 No Content")


def verified(secret: str, request: bytes) -> dict:
    """The event, its signature checked by the public library (whose clock is the machine's, so the age is not looked at here)."""
    head, body = head_of(request), request.partition(b"\r\n\r\n")[2]
    hook = standardwebhooks.Webhook(secret)
    at = datetime.datetime.fromtimestamp(int(head["webhook-timestamp"]), tz=datetime.UTC)
    assert hook.sign(head["webhook-id"], at, body.decode()) in head["webhook-signature"].split(" ")
    return body_of(request)


def script(*behaviours):
    """Answers one after the other, the last one again and again."""
    left = list(behaviours)

    def behave(connection: socket.socket, over: threading.Event) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(connection, over)

    return behave


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


def test_while_paused_events_wait(house: House) -> None:
    receiver = house.receiver(OK)
    made = house.subscribe(receiver)
    house.tenancy.store(NOTE)
    house.deliveries.step()
    house.tenancy.call("POST", f"/v1/subscriptions/{made['id']}/pause")
    house.deliveries.attempt(*house.queue.pop()[1:])
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


def test_what_a_crash_left_is_handed_over_again(house: House) -> None:
    receiver = house.receiver(OK)
    house.subscribe(receiver)
    house.tenancy.store(NOTE)  # stored, and the process is gone before its sweep
    house.deliveries.step()
    house.queue.clear()  # handed over, and the queue is lost with its database
    assert house.work() == 0, "it is under way as far as anybody knows"
    house.clock.step(minutes=15)
    assert house.work() == 1
    assert (house.listed()[0]["state"], house.attempts(house.listed()[0]["id"])[0]["number"]) == ("delivered", 2)


def test_a_crash_between_handing_over_and_noting_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = house.receiver(OK)
    house.subscribe(receiver)
    house.tenancy.store(NOTE)

    def crashes(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("service.outbound.deliveries.mark", crashes)
        with pytest.raises(RuntimeError):
            house.deliveries.step()
    assert house.deliveries.step() == 1
    assert len(house.queue) == 1, "the same id is handed over once"
    assert house.work() == 0
    house.deliveries.attempt(*house.queue.pop()[1:])
    assert house.listed()[0]["state"] == "delivered"


def test_an_attempt_run_again_does_nothing(house: House) -> None:
    receiver = house.receiver(OK)
    house.subscribe(receiver)
    house.tenancy.store(NOTE)
    house.deliveries.step()
    _, delivery_id, number = house.queue.pop()
    for _ in range(3):
        house.deliveries.attempt(delivery_id, number)
    house.deliveries.attempt("dl_" + "0" * 32, 1)
    assert len(receiver.requests) == 1


def test_a_slow_attempt_that_was_given_up_still_counts_where_it_succeeds(house: House) -> None:
    late: list[None] = []

    def behave(connection: socket.socket, over: threading.Event) -> None:
        if not late:
            late.append(None)
            house.clock.step(minutes=16)
            house.deliveries.step()  # another process takes it for lost
        OK(connection, over)

    house.subscribe(house.receiver(behave))
    house.tenancy.store(NOTE)
    house.work()
    assert [a["number"] for a in house.attempts(house.listed()[0]["id"])] == [1]
    assert house.listed()[0]["state"] == "delivered"


def test_one_receiver_has_so_many_under_way_at_once(house: House) -> None:
    house.subscribe(house.receiver(OK))
    house.subscribe(house.receiver(OK))
    for _ in range(20):
        house.tenancy.store(NOTE)
    assert house.deliveries.step() == 32
    assert house.deliveries.step() == 0
    house.deliveries.attempt(*house.queue.pop()[1:])
    assert house.deliveries.step() == 1


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


def test_a_lost_key_is_a_failure_that_can_be_mended(house: House) -> None:
    receiver = house.receiver(OK)
    house.subscribe(receiver)
    house.tenancy.store(NOTE)
    right = house.deliveries.vault
    house.deliveries.vault = Vault(generate_key())
    house.work()
    assert [a["failure"] for a in house.attempts(house.listed()[0]["id"])] == ["secret_unreadable"]
    house.deliveries.vault = right
    house.clock.step(seconds=5)
    house.work()
    assert house.listed()[0]["state"] == "delivered"


def test_an_analysis_in_a_form_nobody_reads_ends(house: House) -> None:
    def fails(*_: object) -> None:
        raise ValueError

    house.subscribe(house.receiver(OK))
    house.tenancy.store(NOTE)
    house.deliveries.read = fails
    house.work()
    assert (house.listed()[0]["state"], house.listed()[0]["reason"]) == ("dead", "analysis_unreadable")


def test_finished_deliveries_are_kept_for_their_days(house: House) -> None:
    receiver = house.receiver(script(OK, answer("500 Oops")))
    house.subscribe(receiver)
    house.tenancy.store(NOTE)
    house.work()
    house.tenancy.store(NOTE)
    house.work()
    house.clock.step(days=29)
    assert len(house.listed()) == 2
    with writing(house.deliveries.engine) as session:
        house.clock.step(days=2)
        assert outbox.purge(session, house.clock(), datetime.timedelta(days=30)) >= 1
    assert [d["state"] for d in house.listed()] == ["pending"]


def test_counts_tell_states(house: House) -> None:
    receiver = house.receiver(script(OK, answer("500 Oops")))
    with reading(house.deliveries.engine) as session:
        before = outbox.counts(session)
    house.subscribe(receiver)
    for _ in range(2):
        house.tenancy.store(NOTE)
        house.work()
    with reading(house.deliveries.engine) as session:
        after = outbox.counts(session)
    assert {k: after[k] - before[k] for k in after} == {"pending": 1, "delivered": 1, "dead": 0, "cancelled": 0, "retrying": 1}


def test_no_text_and_no_plain_secret_in_any_row(house: House) -> None:
    receiver: Receiver = house.receiver(script(answer("500 " + NOTE.encode().hex(), body=NOTE.encode()), OK))
    made = house.subscribe(receiver, include_text=True, path="/hook?key=verysecret")
    house.tenancy.store(NOTE, customer="绝密客户")
    house.work()
    with reading(house.deliveries.engine) as session:
        rows = [*session.scalars(select(Delivery)), *session.scalars(select(DeliveryAttempt)), *session.scalars(select(SubscriptionSecret))]
        held = repr([{c.name: getattr(row, c.name) for c in row.__table__.columns} for row in rows])
    for private in ("李经理", "绝密客户", "verysecret", made["secret"], made["secret"].removeprefix("whsec_")):
        assert private not in held
