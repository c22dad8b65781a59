"""A receiver that is down, slow, answers errors, redirects, half bodies, asks for patience, or wants no more."""

from __future__ import annotations

import json
from collections import defaultdict
from email.utils import format_datetime
from http.client import HTTPConnection
from itertools import pairwise

from sqlalchemy import select

from service.database import reading
from service.outbound.tables import Delivery, Subscription
from tests.faults.counting import Count
from tests.faults.processes import wait_for
from tests.faults.receiver import Answer, well
from tests.faults.sending import events
from tests.faults.stage import READ_SECONDS, SETTLED_SECONDS, Stage

ASKED_SECONDS = 40
GONE = 410
FIRST = (
    Answer(500),
    Answer(429, (("Retry-After", str(ASKED_SECONDS)),)),
    Answer(302, (("Location", "/elsewhere"),)),
    Answer(half=True),
    Answer(wait=READ_SECONDS + 0.7),
    Answer(429),
)


def receiver_faults(stage: Stage) -> Count:
    """Each delivery first meets one of the faults (every third a 500 after that), then the receiver is down, then it says 410."""
    each = 24 if stage.sizes.quick else 96
    _answers(stage, each)
    _down(stage, each // 4)
    dead = _gone(stage, each // 4)
    stage.settle()
    found = stage.count()
    found.remarks.insert(0, f"{stage.receiver.attempts()} attempts; {dead} dead after 410, sent again by replay")
    early = _too_early(stage)
    found.expect(early == 0, f"{early} attempts came before Retry-After")
    return found


def _answers(stage: Stage, amount: int) -> None:
    order: dict[str, int] = {}

    def behave(delivery_id: str, before: int) -> Answer:
        number = order.setdefault(delivery_id, len(order))
        if before == 0:
            answer = FIRST[number % len(FIRST)]
            # An HTTP date is the other form of Retry-After.
            if answer.status == 429 and answer.headers and number >= len(FIRST):
                return Answer(503, (("Retry-After", format_datetime(stage.clock().replace(microsecond=0), usegmt=True)),))
            return answer
        return Answer(500) if before == 1 and number % 3 == 0 else Answer()

    stage.receiver.behave = behave
    stage.crm.send(events(amount, "answers"))
    stage.settle()


def _down(stage: Stage, amount: int) -> None:
    stage.receiver.behave = well
    stage.receiver.down()
    stage.crm.send(events(amount, "down"))
    wait_for(lambda: len(_failed(stage)) == amount, SETTLED_SECONDS, "attempts at a receiver that is down")
    stage.receiver.up()
    stage.settle()


def _failed(stage: Stage) -> list[str]:
    with reading(stage.engine) as session:
        return list(session.scalars(select(Delivery.id).where(Delivery.state == "pending", Delivery.attempts > 0)))


def _gone(stage: Stage, amount: int) -> int:
    """Say 410; then the admin resumes the subscription and replays what died. How many had died."""
    stage.receiver.behave = lambda _, __: Answer(GONE)
    since = stage.clock().isoformat()
    stage.crm.send(events(amount, "gone"))

    def disabled() -> bool:
        with reading(stage.engine) as session:
            return session.scalar(select(Subscription.state)) == "disabled"

    wait_for(disabled, SETTLED_SECONDS, "the subscription's end after 410")
    stage.settle()
    stage.receiver.behave = well
    with reading(stage.engine) as session:
        dead = len(list(session.scalars(select(Delivery.id).where(Delivery.state == "dead"))))
    _ask(stage, "resume", {})
    _ask(stage, "replay", {"since": since})
    return dead


def _ask(stage: Stage, what: str, body: dict[str, str]) -> None:
    connection = HTTPConnection("127.0.0.1", stage.server.port, timeout=30)
    headers = {"authorization": f"Bearer {stage.key}", "content-type": "application/json"}
    connection.request("POST", f"/v1/subscriptions/{stage.subscription_id}/{what}", json.dumps(body), headers)
    answer = connection.getresponse()
    assert answer.status in (200, 202), answer.read()
    connection.close()


def _too_early(stage: Stage) -> int:
    """Attempts after a 429 that came sooner than it asked, or than a minute where it asked nothing; by the sender's clock."""
    by_id = defaultdict(list)
    for seen in stage.receiver.seen:
        by_id[seen.id].append(seen)
    pairs = [pair for requests in by_id.values() for pair in pairwise(sorted(requests, key=lambda seen: seen.at))]
    # The least of both waits is ASKED_SECONDS; timestamps are whole seconds.
    return sum(first.status == 429 and (then.at - first.at).total_seconds() < ASKED_SECONDS - 1 for first, then in pairs)
