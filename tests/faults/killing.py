"""kill -9 at every step from a stored event to a noted attempt, and at random moments; each time the server is started again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Mapping

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from service.database import reading
from service.inbound.tables import InboundEvent
from service.outbound.tables import Delivery
from tests.faults.counting import Count, at_work
from tests.faults.receiver import Answer, well
from tests.faults.sending import Event, events
from tests.faults.stage import Stage

EVENTS = 200
TRIES = 3
MOMENT_SECONDS = 60
SENT = "attempt sent, not noted"


def _any(*conditions: ColumnElement[bool]) -> Callable[[Session], bool]:
    return lambda session: session.scalar(select(1).where(*conditions).limit(1)) is not None


MOMENTS: Mapping[str, Callable[[Session], bool]] = {
    "event stored, not handed over": _any(InboundEvent.state == "received", InboundEvent.attempts == 0),
    "event handed over": _any(InboundEvent.state == "received", InboundEvent.attempts > 0),
    "event being analyzed": at_work,
    "analysis and delivery stored, not handed over": _any(Delivery.state == "pending", Delivery.handed == 0),
    "delivery handed over": _any(Delivery.state == "pending", Delivery.handed_at.is_not(None)),
}
"""How the database looks then. Analysis, event's end and delivery are one transaction: there is no moment between them."""


def kill_at_every_step(stage: Stage) -> Count:
    """200 events, and as many kills as the size says; each named moment is hit, as the database shows after the kill."""
    rounds, at_random = (1, 1) if stage.sizes.quick else (4, 10)
    steps = [*MOMENTS, SENT] * rounds
    share = EVENTS // (len(steps) + at_random)
    hit: dict[str, int] = dict.fromkeys((*MOMENTS, SENT), 0)
    sendings, made, ones = [], 0, 0
    for number in range(len(steps) + at_random):
        share_now = share if number < len(steps) + at_random - 1 else EVENTS - made
        chosen = events(share_now, "kill", made)
        made += share_now
        if number < len(steps):
            hit[steps[number]] += _kill_at(stage, steps[number], chosen, sendings)
        else:
            sendings.append(stage.crm.begin(chosen, 4))
            time.sleep(random.uniform(0, 2.0))  # a moment that nobody chose
            if random.random() < 0.5:
                stage.server.kill_one()
                ones += 1
                continue
            stage.server.kill()
            stage.server.start()
    for sending in sendings:
        sending()
    stage.settle()
    found = stage.count()
    for moment, times in hit.items():
        found.expect(times > 0, f"never killed at: {moment}")
    found.expect(found.accepted == EVENTS, f"{found.accepted} of {EVENTS} events were taken")
    found.remarks.insert(
        0, f"{stage.server.starts - 1 + ones} kills ({ones} of one process), {sum(hit.values())} at {len(hit)} named moments"
    )
    return found


def _kill_at(stage: Stage, moment: str, chosen: list[Event], sendings: list[Callable[[], None]]) -> bool:
    """Send the events in a few parts until a kill has hit the moment; whether one did."""
    struck = False
    size = -(-len(chosen) // TRIES)
    for part in (chosen[start : start + size] for start in range(0, len(chosen), size)):
        if struck:
            sendings.append(stage.crm.begin(part, 4))
            continue
        struck = _hit_sent(stage, part, sendings) if moment == SENT else _hit(stage, MOMENTS[moment], part, sendings)
        stage.server.start()
    return struck


def _hit(stage: Stage, holds: Callable[[Session], bool], part: list[Event], sendings: list[Callable[[], None]]) -> bool:
    sendings.append(stage.crm.begin(part, 4))
    until = time.monotonic() + MOMENT_SECONDS
    while time.monotonic() < until:
        with reading(stage.engine) as session:
            if holds(session):
                break
    stage.server.kill()
    with reading(stage.engine) as session:
        return holds(session)


def _hit_sent(stage: Stage, part: list[Event], sendings: list[Callable[[], None]]) -> bool:
    """The receiver kills the sender as soon as it has answered."""
    pid = stage.server.pid
    stage.receiver.behave = lambda _, __: Answer(after=lambda: os.killpg(pid, signal.SIGKILL))
    sendings.append(stage.crm.begin(part, 4))
    until = time.monotonic() + MOMENT_SECONDS
    while stage.server.running and time.monotonic() < until:
        time.sleep(0.01)
    stage.receiver.behave = well
    stage.server.kill()
    with reading(stage.engine) as session:
        noted = set(session.scalars(select(Delivery.id).where(Delivery.state == "delivered")))
    return bool(set(stage.receiver.delivered()) - noted)
