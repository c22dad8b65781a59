"""A customer's receiver on loopback: counts what it gets by the delivery's id, checks each signature, and behaves as it is told."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import loads

from standardwebhooks.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with: after `wait` seconds, only half of it, and what is called once it has left."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    wait: float = 0.0
    half: bool = False
    after: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A request: the delivery's id, what it told of, the sender's own time and the status it got (None: not wholly answered)."""

    id: str
    analysis_id: str
    at: datetime
    status: int | None


Behave = Callable[[str, int], Answer]
"""Given a delivery's id and how many times it came before."""


def well(_: str, __: int) -> Answer:
    """200 to all."""
    return Answer()


class _Http(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that was killed hangs up; that is what this is about."""


@dataclass
class Receiver:
    """Listens while it is up; `behave` may be changed at any time."""

    behave: Behave = well
    secret: str = ""
    seen: list[Seen] = field(default_factory=list)
    forged: int = 0
    strayed: int = 0
    """Requests to another path than the subscription's: a redirect that was followed."""
    _came: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _http: _Http | None = None

    def __post_init__(self) -> None:
        self.up(0)
        assert self._http is not None
        self.port: int = self._http.server_address[1]

    def up(self, port: int | None = None) -> None:
        """Listen (again)."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._take(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = _Http(("127.0.0.1", self.port if port is None else port), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def _take(self, http: BaseHTTPRequestHandler) -> None:
        length = int(http.headers["content-length"])
        body = http.rfile.read(length)
        if len(body) < length:  # the sender was killed while it sent
            return
        delivery_id = http.headers["webhook-id"]
        at = datetime.fromtimestamp(int(http.headers["webhook-timestamp"]), UTC)
        signed = Webhook(self.secret).sign(delivery_id, at, body.decode())
        with self._lock:
            self.forged += signed not in http.headers["webhook-signature"].split(" ")
            self.strayed += http.path != "/hook"
            before = self._came[delivery_id]
            self._came[delivery_id] += 1
        answer = self.behave(delivery_id, before)
        time.sleep(answer.wait)
        whole = self._answered(http, answer)
        with self._lock:
            self.seen.append(Seen(delivery_id, loads(body)["data"]["analysis_id"], at, answer.status if whole else None))
        if answer.after is not None:
            answer.after()

    @staticmethod
    def _answered(http: BaseHTTPRequestHandler, answer: Answer) -> bool:
        """Whether the whole answer left to somebody who was still there."""
        try:
            http.send_response_only(answer.status)
            for name, value in (*answer.headers, ("Content-Length", "100" if answer.half else "0"), ("Connection", "close")):
                http.send_header(name, value)
            http.end_headers()
            if answer.half:
                http.wfile.write(b"half of it")
                http.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
        return not answer.half and answer.wait == 0

    def delivered(self) -> Counter[str]:
        """How often each delivery was answered with 2xx, wholly and at once."""
        with self._lock:
            return Counter(s.id for s in self.seen if s.status is not None and 200 <= s.status < 300)

    def attempts(self) -> int:
        """Requests of any outcome."""
        with self._lock:
            return sum(self._came.values())
