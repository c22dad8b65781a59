"""The CRM's side: events signed by Standard Webhooks, sent again until they are taken, as vendors do."""

from __future__ import annotations

import itertools
import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException

from service.outbound.signing import signed_headers
from tests.load import texts

LIMIT = 900
"""Seconds in which an event must have been taken."""
NOT_READY = 503


@dataclass(frozen=True, slots=True)
class Event:
    """A visit as the CRM tells it: `id` is the event's, `visit` the note's."""

    id: str
    visit: str
    text: str
    changed_at: datetime | None = None


def events(count: int, name: str, first: int = 0) -> list[Event]:
    """Events of notes of the corpus, each of a visit of its own."""
    written = itertools.cycle(texts())
    return [Event(f"{name}-{n}", f"visit-{name}-{n}", next(written)) for n in range(first, first + count)]


@dataclass
class Crm:
    """Sends to one hook. `answers` counts statuses (0: no answer), `unasked` the 503 without Retry-After, `taken` the events answered 2xx."""

    port: int
    path: str
    secret: str
    now: Callable[[], datetime]
    patience: float = 1.0
    """The longest wait in seconds before an event is sent again; a Retry-After above it is not waited out, so that a run stays short."""
    answers: Counter[int] = field(default_factory=Counter)
    unasked: int = 0
    sent: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    """What nobody took in time."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, event: Event, connection: HTTPConnection, off: timedelta = timedelta(0)) -> int:
        """One attempt by a clock that is `off`; the status, 0 where there was no answer."""
        data = {"id": event.visit, "text": event.text, "rep_id": f"rep-{sum(event.visit.encode()) % 20}"}
        if event.changed_at is not None:
            data["changed_at"] = event.changed_at.isoformat()
        body = json.dumps({"type": "visit.updated", "data": data}).encode()
        status, asked = 0, None
        try:
            connection.request("POST", self.path, body, dict(signed_headers(event.id, [self.secret], body, self.now() + off)))
            answer = connection.getresponse()
            answer.read()
            status, asked = answer.status, answer.headers["Retry-After"]
        except (OSError, HTTPException):
            connection.close()
        with self._lock:
            self.sent.add(event.id)
            self.answers[status] += 1
            self.unasked += status == NOT_READY and asked is None
            if 200 <= status < 300:
                self.taken.add(event.id)
        return status

    def send(self, chosen: Sequence[Event], threads: int = 8, pace: float | None = None) -> None:
        """Send events, `threads` at a time, each until it is taken; at `pace` a second, or as fast as it goes."""
        self.begin(chosen, threads, pace)()

    def begin(self, chosen: Sequence[Event], threads: int = 8, pace: float | None = None) -> Callable[[], None]:
        """The same beside other work; call what is returned to wait for the end."""
        waiting: queue.SimpleQueue[Event] = queue.SimpleQueue()
        for event in chosen:
            waiting.put(event)

        def work() -> None:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=15)
            while True:
                try:
                    event = waiting.get_nowait()
                except queue.Empty:
                    break
                if pace is not None:
                    time.sleep(threads / pace)
                self._until_taken(event, connection)
            connection.close()

        running = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(chosen)))]
        for thread in running:
            thread.start()
        return lambda: _join(running)

    def _until_taken(self, event: Event, connection: HTTPConnection) -> None:
        until, wait = time.monotonic() + LIMIT, 0.1
        while not 200 <= self.post(event, connection) < 300:
            if time.monotonic() > until:
                with self._lock:
                    self.lost.append(event.id)
                return
            time.sleep(wait)
            wait = min(2 * wait, self.patience)


def _join(threads: Iterable[threading.Thread]) -> None:
    for thread in threads:
        thread.join()
