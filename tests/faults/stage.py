"""What every scenario needs: a database, a server on it, a CRM before it and a receiver behind it; and waiting until all is settled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, and_, func, select
from sqlalchemy.exc import SQLAlchemyError

from service.accounts.keys import NewKey, create_key
from service.accounts.store import create_tenant
from service.database import migrate, open_engine, reading, writing
from service.inbound.integrations import NewIntegration, create
from service.inbound.mapping import default_mapping
from service.inbound.tables import InboundEvent
from service.outbound import store
from service.outbound.filters import Selection
from service.outbound.handing import LEASE as DELIVERY_LEASE
from service.outbound.signing import generate_secret
from service.outbound.tables import Delivery
from service.vault import Vault, generate_key
from tests.faults.counting import Count, count, waiting
from tests.faults.databases import Database
from tests.faults.processes import Nursery, Server
from tests.faults.receiver import Receiver
from tests.faults.sending import Crm
from tests.faults.served import CLOCK, MovedClock

READ_SECONDS = 3.0
"""So long the server waits for a receiver's answer."""
IDLE_SECONDS = 4.0
"""Without any progress for so long, the clock is moved to when something is next due: waits of minutes take no minutes."""
SETTLED_SECONDS = 900


@dataclass(frozen=True)
class Sizes:
    """How much is done: all, or enough to see that it works."""

    quick: bool
    seconds: float
    """How long a database is locked or gone."""
    patience: float
    """The longest a CRM waits before it sends again."""


FULL, QUICK = Sizes(False, 10.0, 5.0), Sizes(True, 4.0, 0.5)


@dataclass
class Stage:
    """A running installation. `engine` is the suite's own look at the database."""

    database: Database
    engine: Engine
    server: Server
    clock: MovedClock
    crm: Crm
    receiver: Receiver
    sizes: Sizes
    key: str
    subscription_id: str
    moved: list[float] = field(default_factory=list)

    def settle(self, seconds: float = SETTLED_SECONDS) -> None:
        """Wait until no event and no delivery waits. Raises TimeoutError naming what is left."""
        until, seen, since = time.monotonic() + seconds, None, time.monotonic()
        while True:
            with reading(self.engine) as session:
                left = waiting(session)
            if left == (0, 0):
                return
            now = (left, self.receiver.attempts())
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() > until:
                raise TimeoutError(f"{left[0]} events and {left[1]} deliveries wait")
            if self._all_wait() or time.monotonic() - since > IDLE_SECONDS:
                self._to_next_due()
                since = time.monotonic()
            time.sleep(0.1)

    def _all_wait(self) -> bool:
        """Whether no event is left and each delivery waits for its next attempt, so that nothing is under way."""
        later = and_(Delivery.handed_at.is_(None), Delivery.next_at > self.clock())
        with reading(self.engine) as session:
            events, deliveries = waiting(session)
            return events == 0 and deliveries == session.scalar(select(func.count()).where(Delivery.state == "pending", later))

    def _to_next_due(self) -> None:
        now = self.clock()
        with reading(self.engine) as session:
            due = [at for at in session.scalars(select(InboundEvent.next_at).where(InboundEvent.state == "received")) if at]
            rows = session.execute(select(Delivery.next_at, Delivery.handed_at).where(Delivery.state == "pending"))
            due += [next_at if handed_at is None else handed_at + DELIVERY_LEASE for next_at, handed_at in rows]
        later = [at for at in due if at > now]
        if later:
            self.move((min(later) - now).total_seconds() + 0.5)

    def move(self, seconds: float) -> None:
        """Let the server's clock (and the CRM's, which follows it) jump."""
        self.clock.move(seconds)
        self.moved.append(seconds)

    def count(self) -> Count:
        """The figures so far; what the suite did to the clock stands in the remarks."""
        found = count(self.engine, self.crm, self.receiver)
        found.expect(self.crm.unasked == 0, f"{self.crm.unasked} answers 503 without Retry-After")
        if self.crm.answers[503]:
            found.remarks.append(f"{self.crm.answers[503]}× 503")
        if self.moved:
            found.remarks.append(f"clock moved on {len(self.moved)}× to the next due time")
        return found


def reachable(engine: Engine) -> bool:
    """Whether the database answers."""
    try:
        with reading(engine) as session:
            waiting(session)
    except SQLAlchemyError:
        return False
    return True


@contextmanager
def stage(database: Database, folder: Path, nursery: Nursery, sizes: Sizes) -> Iterator[Stage]:
    """An installation that is running; ended at the end, whatever happened."""
    engine, clock, receiver = open_engine(database.url), MovedClock(folder / "clock"), Receiver()
    key_of_secrets = generate_key()
    migrate(engine)
    secret, vault = generate_secret(), Vault(key_of_secrets)
    with writing(engine) as session:
        tenant_id = create_tenant(session, "faults", clock()).id
        new = NewIntegration("standard", "CRM", {"secrets": [secret]}, default_mapping("standard"))
        integration_id = create(session, vault, tenant_id, new, None, clock()).id
        url, selection = f"http://127.0.0.1:{receiver.port}/hook", Selection(event_types=["note.analyzed"])
        made = store.create(session, tenant_id, None, "webhook", url, "127.0.0.1", "CRM", selection, None, None, vault, clock())
        receiver.secret, subscription_id = made[1] or "", made[0].id
        key = create_key(session, tenant_id, NewKey("admin"), clock())[1]
    environment = {
        "FUPAN_DATABASE_URL": database.url,
        "FUPAN_SECRET_KEY": key_of_secrets,
        "FUPAN_DEAD_AFTER_SECONDS": "2",
        "FUPAN_DELIVERY_ALLOW": f"127.0.0.1:{receiver.port}",
        "FUPAN_DELIVERY_READ_SECONDS": str(READ_SECONDS),
        "FUPAN_DELIVERY_TOTAL_SECONDS": str(READ_SECONDS + 1),
        "FUPAN_HAND_BACK_SECONDS": "2",
        "FUPAN_SHUTDOWN_SECONDS": "2",
        CLOCK: str(folder / "clock"),
    }
    server = Server(nursery, environment, folder / "server.log")
    crm = Crm(server.port, f"/v1/hooks/{integration_id}", secret, clock, sizes.patience)
    try:
        server.start()
        yield Stage(database, engine, server, clock, crm, receiver, sizes, key, subscription_id)
    finally:
        if server.running:
            server.kill()
        receiver.down()
        engine.dispose()
