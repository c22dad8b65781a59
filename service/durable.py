"""The one place that runs DBOS: durable queues in our own database, and finding again what a process left when it died.

DBOS holds ids and counts only. What happened is told by our own tables, so a workflow here is one function of ids that may run again from its
beginning: it looks at its rows first and does nothing where all is done. An error reaches DBOS by its type alone.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, Serializer
from dbos._core import prepare_enqueued_workflow
from dbos._dbos import _get_dbos_instance
from sqlalchemy import Engine, String, create_engine, delete, event, select, update
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base, keep_to_file, reading, writing
from service.logs import place, working_for
from service.turns import turns_of

VERSION = "1"
"""DBOS runs a workflow only under the version that began it. Ours hold ids and look at their rows, so every release takes over the last one's."""
POLLING_SECONDS = 0.2
KEPT = timedelta(days=1)
"""So long DBOS keeps the rows of finished workflows."""
FORGET_EVERY = timedelta(hours=1)
PART = 500
STOPPED = -1
"""Beats of an executor that has stopped: what it left is taken over at once."""


@dataclass(frozen=True, slots=True)
class Handover:
    """One run of a workflow: what it is about, the how manieth time, and the id of the request it comes from, which its log lines carry."""

    id: str
    number: int
    request_id: str | None = None

    @property
    def workflow_id(self) -> str:
        """Several processes that hand over the same name it the same, so that it runs once."""
        return f"{self.id}:{self.number}"


HandOver = Callable[[str, str, Sequence[Handover]], None]
"""Durable.hand_over: queue, workflow, and what runs."""


@dataclass(frozen=True, slots=True)
class Together:
    """A workflow of up to `size` things that were handed over at the same time: one row of DBOS for all of them. It does its log lines itself."""

    run: Callable[[Sequence[Handover]], None]
    size: int


Workflow = Callable[[str, int], None] | Together
"""Called with the id of what it is about and the how manieth time it is handed over."""


class Executor(Base):
    """A process that runs workflows. `beats` counts up while it lives."""

    __tablename__ = "executors"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    beats: Mapped[int]


class WorkflowFailedError(Exception):
    """A workflow raised; names the error's type and nothing of its text, since DBOS stores it."""


class _Json(Serializer):
    """What DBOS stores, as JSON instead of pickle: nothing that is read back is executed, and an exception leaves only our own words."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            return json.dumps(str(data) if isinstance(data, WorkflowFailedError) else type(data).__name__)
        return json.dumps(data)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "fupan_json"


def _sqlite_engine(engine: Engine) -> Engine:
    """An engine on the same SQLite file for DBOS, set up as DBOS does it, but writing in turn with ours and without waiting for the disk:
    what is lost with the power is handed over again."""
    made = create_engine(engine.url, hide_parameters=True)
    turns = turns_of(str(engine.url))
    turns.watch(made)

    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(made, "connect", connected)
    keep_to_file(made)
    event.listen(made, "begin", lambda connection: turns.take(connection.info))
    return made


class Durable:
    """DBOS on the database of an engine. One instance a process at a time, as DBOS has it.

    `executor_id` is new for each start of a process; `now` tells the moment, `monotonic` seconds; an executor that shows no life for `dead_after`
    seconds is taken for dead, and its workflows are run by others (clocks of different machines are not compared).
    """

    def __init__(
        self, engine: Engine, executor_id: str, now: Callable[[], datetime], monotonic: Callable[[], float], dead_after: float
    ) -> None:
        self._engine, self._id, self._now, self._monotonic, self._dead_after = engine, executor_id, now, monotonic, dead_after
        self._workflows: dict[str, Callable[..., None]] = {}
        self._sizes: dict[str, int] = {}
        self._seen: dict[str, tuple[int, float]] = {}
        self._running = 0
        self._forgot = now()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, queues: Mapping[str, int], workflows: Mapping[str, Workflow]) -> None:
        """Launch: `queues` are names with how many of their workflows run here at once, `workflows` functions of ids and counts by name."""
        config: DBOSConfig = {
            "name": "fupan", "executor_id": self._id, "application_version": VERSION, "serializer": _Json(), "log_level": "WARNING",
        }  # fmt: skip
        # On SQLite not our engine: its transactions begin by themselves, and DBOS says BEGIN too.
        config["system_database_engine"] = _sqlite_engine(self._engine) if self._engine.dialect.name == "sqlite" else self._engine
        DBOS(config=config)
        self._workflows = {name: DBOS.workflow(name=name)(self._guarded(name, function)) for name, function in workflows.items()}
        self._sizes = {name: workflow.size for name, workflow in workflows.items() if isinstance(workflow, Together)}
        DBOS.launch()
        for name, concurrency in queues.items():
            DBOS.register_queue(name, worker_concurrency=concurrency, polling_interval_sec=POLLING_SECONDS, on_conflict="always_update")
        self.beat()
        self._thread = threading.Thread(target=self._live, name="executor", daemon=True)
        self._thread.start()

    def _guarded(self, name: str, workflow: Workflow) -> Callable[..., None]:
        def run(request_id: str | None, thing: str, number: int, *others: tuple[str | None, str, int]) -> None:
            with self._lock:
                self._running += 1
            try:
                if isinstance(workflow, Together):
                    handovers = [Handover(i, n, r) for r, i, n in ((request_id, thing, number), *others)]
                    _named_error(name, lambda: workflow.run(handovers))
                else:
                    with working_for(request_id):
                        _named_error(name, lambda: workflow(thing, number))
            finally:
                with self._lock:
                    self._running -= 1

        run.__name__ = run.__qualname__ = name
        return run

    def hand_over(self, queue: str, workflow: str, handovers: Sequence[Handover]) -> None:
        """Hand workflows over to a queue, in one transaction; what was handed over before (in the same company, where several run together)
        changes nothing, also after it has run."""
        dbos, function, size = _get_dbos_instance(), self._workflows[workflow], self._sizes.get(workflow, 1)
        groups = [handovers[start : start + size] for start in range(0, len(handovers), size)]
        statuses = [
            prepare_enqueued_workflow(dbos, function, _arguments(group), {}, queue_name=queue, workflow_id=_workflow_id(group))
            for group in groups
        ]
        dbos._sys_db.init_workflows(statuses)

    def beat(self) -> list[str]:
        """Show life, and take over from executors that show none; their ids."""
        now = self._monotonic()
        with writing(self._engine) as session:
            if not session.execute(update(Executor).where(Executor.id == self._id).values(beats=Executor.beats + 1)).rowcount:  # type: ignore[attr-defined]
                session.add(Executor(id=self._id, beats=1))
        with reading(self._engine) as session:
            beats = {row.id: row.beats for row in session.scalars(select(Executor).where(Executor.id != self._id))}
        self._seen = {i: (b, self._seen[i][1] if self._seen.get(i, (None,))[0] == b else now) for i, b in beats.items()}
        dead = [i for i, (_, since) in self._seen.items() if beats[i] == STOPPED or now - since >= self._dead_after]
        if dead:
            DBOS._recover_pending_workflows(dead)
            with writing(self._engine) as session:
                session.execute(delete(Executor).where(Executor.id.in_(dead)))
        return dead

    def forget(self) -> int:
        """Delete what DBOS keeps of workflows that finished a day ago (our tables tell what happened), a part at a time; how many."""
        before = (self._now() - KEPT).astimezone(UTC).isoformat()
        old = DBOS.list_workflows(completed_before=before, status=["SUCCESS", "ERROR"], limit=PART, load_input=False, load_output=False)
        if old:
            DBOS.delete_workflows([workflow.workflow_id for workflow in old])
        return len(old)

    def _live(self) -> None:
        while not self._stopping.wait(self._dead_after / 6):
            try:
                self.beat()
                if self._now() - self._forgot >= FORGET_EVERY:
                    self._forgot = self._now() if self.forget() < PART else self._forgot
            except Exception as error:  # the database is away: others may take over what runs here, which is what they should
                if not self._stopping.is_set():  # else DBOS went from under this beat
                    structlog.get_logger().warning("no beat", error=type(error).__name__)

    def stop(self, seconds: float) -> None:
        """Take no more, give what runs up to `seconds` to finish, and hand back the rest: another process or the next start runs it again."""
        self._stopping.set()
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=math.ceil(seconds) if self._running else 0)
        if self._thread is not None:
            self._thread.join(10)
        with writing(self._engine) as session:
            session.execute(update(Executor).where(Executor.id == self._id).values(beats=STOPPED))


def _arguments(group: Sequence[Handover]) -> tuple[Any, ...]:
    first, *others = [(h.request_id, h.id, h.number) for h in group]
    return *first, *others


def _workflow_id(group: Sequence[Handover]) -> str:
    first = group[0].workflow_id
    return first if len(group) == 1 else f"{first}+{sha256(' '.join(h.workflow_id for h in group).encode()).hexdigest()}"


def _named_error(name: str, run: Callable[[], None]) -> None:
    """Raises WorkflowFailedError in place of any other exception."""
    try:
        run()
    except Exception as error:
        structlog.get_logger().error("workflow failed", workflow=name, error=place(error))
        raise WorkflowFailedError(type(error).__name__) from None
