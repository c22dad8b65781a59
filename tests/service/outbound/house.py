"""A tenant whose deliveries a test steps by hand, with real receivers on loopback: time stands, and nothing runs beside the test."""

from __future__ import annotations

import datetime
import json
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import standardwebhooks

from service.durable import Handover
from service.outbound.addresses import parse_allow_list
from service.outbound.deliveries import Deliveries
from tests.service.conftest import Clock, Tenancy
from tests.service.outbound.conftest import Receiver

NOTE = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"


@dataclass
class House:
    """`queue` is what was handed over."""

    tenancy: Tenancy
    receive: Callable[..., Receiver]
    queue: list[Handover] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deliveries.hand_over = self._hand_over

    def _hand_over(self, queue: str, workflow: str, handovers: Sequence[Handover]) -> None:
        assert (queue, workflow) == ("deliveries", "deliver")
        self.queue += [h for h in handovers if h not in self.queue]  # as a durable queue does

    @property
    def deliveries(self) -> Deliveries:
        return self.tenancy.world.deliveries

    @property
    def clock(self) -> Clock:
        return self.tenancy.world.clock

    def receiver(self, behave, **options) -> Receiver:
        """A receiver that the operator has allow-listed."""
        made = self.receive(behave, **options)
        ports = [made.port, *(e.port for e in self.deliveries.connector.allowed.entries)]
        allowed = parse_allow_list(",".join(f"127.0.0.1:{port}" for port in ports))
        self.deliveries.connector = replace(self.deliveries.connector, allowed=allowed)
        return made

    def subscribe(self, receiver: Receiver, role: str = "admin", path: str = "/hook", **fields) -> dict:
        url = f"http://127.0.0.1:{receiver.port}{path}"
        answer = self.tenancy.call("POST", "/v1/subscriptions", role, json={"url": url, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def work(self) -> int:
        """Hand over what is due and make the attempts, until nothing is due; how many attempts."""
        made = 0
        while self.deliveries.step():
            while self.queue:
                self.make_attempt(self.queue.pop(0))
                made += 1
        return made

    def make_attempt(self, handover: Handover) -> None:
        """Run the workflow of one attempt."""
        self.deliveries.attempt(handover.id, handover.number)

    def listed(self, **query) -> list[dict]:
        """Deliveries, the oldest first."""
        return self.tenancy.call("GET", "/v1/deliveries", params=query).json()["deliveries"][::-1]

    def attempts(self, delivery_id: str) -> list[dict]:
        return self.tenancy.call("GET", f"/v1/deliveries/{delivery_id}/attempts").json()["attempts"]


def head_of(request: bytes) -> dict[str, str]:
    """The headers of a received request."""
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def body_of(request: bytes) -> dict:
    """The JSON of a received request."""
    return json.loads(request.partition(b"\r\n\r\n")[2])


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
