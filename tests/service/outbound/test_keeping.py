"""Crashes, lost keys and queues, what is kept and for how long: deliveries stepped by hand, on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime
import socket
import threading

import pytest
from sqlalchemy import select

from service.database import reading, writing
from service.outbound import outbox
from service.outbound.tables import Delivery, DeliveryAttempt, SubscriptionSecret
from service.vault import Vault, generate_key
from tests.service.outbound.conftest import Receiver, answer
from tests.service.outbound.house import NOTE, House, script

OK = answer("204 No Content")


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
    house.make_attempt(house.queue.pop())
    assert house.listed()[0]["state"] == "delivered"


def test_an_attempt_run_again_does_nothing(house: House) -> None:
    receiver = house.receiver(OK)
    house.subscribe(receiver)
    house.tenancy.store(NOTE)
    house.deliveries.step()
    handover = house.queue.pop()
    for _ in range(3):
        house.make_attempt(handover)
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
    house.make_attempt(house.queue.pop())
    assert house.deliveries.step() == 1


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
