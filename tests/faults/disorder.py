"""Clocks that are off, events that come again, out of order and all at once."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import timedelta
from http.client import HTTPConnection

from sqlalchemy import func, select

from service.database import reading
from service.inbound.tables import InboundEvent
from service.notes.tables import StoredNote
from tests.faults.counting import Count
from tests.faults.processes import wait_for
from tests.faults.sending import Event, events
from tests.faults.stage import SETTLED_SECONDS, Stage

HOUR = 3600.0


def clock_skew(stage: Stage) -> Count:
    """CRMs whose clocks are off by four minutes are heard, by six refused; then the server's own clock jumps while events come in."""
    amount = 20 if stage.sizes.quick else 100
    connection = HTTPConnection("127.0.0.1", stage.server.port, timeout=30)
    answers: Counter[tuple[int, int]] = Counter()
    for minutes in (-4, 4, -6, 6):
        for event in events(5, f"off{minutes}"):
            answers[minutes, stage.crm.post(event, connection, timedelta(minutes=minutes))] += 1
    connection.close()
    for number, jump in enumerate((HOUR, -2 * HOUR, HOUR)):
        begun = len(stage.crm.taken) + amount // 4
        sending = stage.crm.begin(events(amount, "jump", number * amount), 4)
        wait_for(lambda begun=begun: len(stage.crm.taken) >= begun, SETTLED_SECONDS, "events taken before the jump")
        stage.clock.move(jump)
        sending()
    stage.settle()
    found = stage.count()
    expected = {(-4, 202): 5, (4, 202): 5, (-6, 401): 5, (6, 401): 5}
    found.expect(answers == expected, f"answers by minutes off: {dict(answers)}")
    found.expect(found.accepted == 10 + 3 * amount, f"{found.accepted} events were taken")
    found.remarks.insert(0, "±4 min: 202, ±6 min: 401; server's clock +1 h, −2 h, +1 h")
    return found


def repeats(stage: Stage) -> Count:
    """Three versions of each visit in any order, each sent one to five times by many at once, and all of it again when it is done."""
    visits = 20 if stage.sizes.quick else 150
    began = stage.clock() - timedelta(hours=1)
    versions = [
        Event(f"{visit.id}-{version}", visit.visit, f"{visit.text}（第{version}稿）", began + timedelta(minutes=version))
        for visit in events(visits, "repeat")
        for version in (1, 2, 3)
    ]
    storm = [event for event in versions for _ in range(random.randint(1, 5))]
    random.shuffle(storm)
    stage.crm.send(storm, 16)
    stage.settle()
    first = stage.count()
    stage.crm.send(random.sample(storm, len(storm)), 16)
    stage.settle()
    found = stage.count()
    newest = {event.visit: event.text for event in versions if event.id.endswith("-3")}
    with reading(stage.engine) as session:
        stored = dict(session.execute(select(StoredNote.crm_id, StoredNote.text)).tuples().all())
    found.expect(stored == newest, f"{sum(stored.get(v) != t for v, t in newest.items())} notes are not as the newest event says")
    found.expect(found.done + found.superseded == len(versions), f"{found.done} done, {found.superseded} superseded of {len(versions)}")
    same = (first.analyses, first.due, first.repeated) == (found.analyses, found.due, found.repeated)
    found.expect(same, "what came again was done again")
    found.remarks.insert(0, f"{2 * len(storm)} requests for {len(versions)} events; {found.superseded} superseded")
    return found


def burst(stage: Stage) -> Count:
    """So many events as fast as the CRM can send."""
    amount = 500 if stage.sizes.quick else 10_000
    began = time.monotonic()
    stage.crm.send(events(amount, "burst"), 32)
    taken = time.monotonic() - began
    stage.settle(4 * 3600)
    ended = time.monotonic() - began
    with reading(stage.engine) as session:
        span = (func.min(InboundEvent.received_at), func.max(InboundEvent.finished))
        first, last = session.execute(select(*span)).one()
    found = stage.count()
    found.expect(found.accepted == amount, f"{found.accepted} of {amount} events were taken")
    found.remarks.insert(
        0,
        f"taken at {amount / taken:.0f}/s, analyzed at {amount / (last - first).total_seconds():.0f}/s, delivered at {amount / ended:.0f}/s",
    )
    return found
