"""What Prometheus reads: one registry of the application's own. Labels are names from the code (routes, methods, states), never text,
ids or names of customers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.analysis import Analysis, Note
from models.artefacts import Card
from models.pipeline import Analyzer
from models.rubric import STANDARD, Rubric

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
CHARACTERS = (20, 50, 100, 200, 400, 800, 1600, 5000, 20000)
DATABASE_UP = b"""# HELP fupan_database_up 1 while the database answers and has this version's schema.
# TYPE fupan_database_up gauge
fupan_database_up %d
"""
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client looks for the folder its processes share; set by share_between_processes, not by the operator."""


class Metrics:
    """The application's metrics: counted by this process, told for all processes of this server."""

    def __init__(self, card: Card) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, of no use
        self.registry = CollectorRegistry()
        own = self.registry
        self.requests = Counter("fupan_requests", "Answered requests.", ["method", "route", "status"], registry=own)
        self.request_seconds = Histogram(
            "fupan_request_seconds", "Seconds from request to answer.", ["method", "route"], buckets=SECONDS, registry=own
        )
        self.in_flight = Gauge("fupan_requests_in_flight", "Requests being answered.", multiprocess_mode="livesum", registry=own)
        self.analyses = Counter("fupan_analyses", "Analyzed notes.", ["outcome"], registry=own)
        self.analysis_seconds = Histogram("fupan_analysis_seconds", "Seconds of one analysis.", buckets=SECONDS, registry=own)
        self.note_characters = Histogram("fupan_note_characters", "Characters of an analyzed note.", buckets=CHARACTERS, registry=own)
        self._told = CollectorRegistry()
        self._model = _Told(card)
        self._told.register(self._model)
        self._watched = CollectorRegistry()

    def tell_model(self, card: Card) -> None:
        """Another model is served from now on."""
        self._model.card = card

    def watch(self, name: str, text: str, read: Callable[[], Mapping[str, float] | float], label: str | None = None) -> None:
        """Add a gauge read when the metrics are asked for: `read` gives the value, or values by the label's value (states, not ids).

        A read that fails (the database is gone) leaves its gauge out of that answer.
        """
        self._watched.register(_Watched(name, text, read, label))

    def text(self, database_up: bool) -> bytes:
        """All metrics in Prometheus' text format; while the database is down, what is read from it is left out."""
        folder = os.environ.get(FOLDER_VARIABLE)
        counted = self.registry
        if folder:
            counted = CollectorRegistry()
            MultiProcessCollector(counted, folder)  # type: ignore[no-untyped-call]
        out = generate_latest(counted) + generate_latest(self._told) + DATABASE_UP % database_up
        return out + generate_latest(self._watched) if database_up else out


class _Watched(Collector):
    def __init__(self, name: str, text: str, read: Callable[[], Mapping[str, float] | float], label: str | None) -> None:
        self.name, self.help, self.read, self.label = name, text, read, label

    def describe(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(self.name, self.help)

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(self.name, self.help, labels=[self.label] if self.label else [])
        try:
            found = self.read()
        except Exception:  # the error's text may hold data, and database_up tells the cause
            return
        for value, number in found.items() if isinstance(found, Mapping) else [(None, found)]:
            family.add_metric([] if value is None else [value], float(number))
        yield family


class _Told(Collector):
    """The model served, and the memory and number of this server's processes (Linux)."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("fupan_model_info", "The model served.", labels=["version", "corpus"])
        info.add_metric([self.card.version, self.card.corpus_hash[:12]], 1)
        yield info
        processes = server_processes()
        yield GaugeMetricFamily("fupan_processes", "Processes of this server that answer or work.", value=len(processes))
        memory = [kilobytes for pid in processes if (kilobytes := _pss(pid)) is not None]
        yield GaugeMetricFamily("fupan_memory_bytes", "Memory of the processes, shared pages counted once.", value=1024 * sum(memory))


def server_processes() -> list[int]:
    """The processes that share this server's metrics, this one among them."""
    folder = os.environ.get(FOLDER_VARIABLE)
    found = {int(f.stem.rpartition("_")[2]) for f in Path(folder).glob("histogram_*.db")} if folder else set()
    return sorted({p for p in found if _parent(p) == os.getppid()} | {os.getpid()})


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _pss(pid: int) -> int | None:
    """A process's share of memory in KiB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), None)


def share_between_processes(folder: Path) -> None:
    """Let the metrics made from here on be counted in files under `folder` by this process and those forked from it.

    prometheus_client decides this when it is imported, by the environment; here it is decided when several processes are wanted.
    """
    os.environ[FOLDER_VARIABLE] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


class MeasuredAnalyzer(Analyzer):
    """An analyzer that counts its notes, their length and its seconds."""

    def __init__(self, analyzer: Analyzer, metrics: Metrics) -> None:
        super().__init__(analyzer.nlp, analyzer.card)
        self._metrics = metrics

    def analyze_all(self, notes: Sequence[Note], today: date, rubric: Rubric = STANDARD) -> list[Analysis]:
        """As Analyzer.analyze_all; each note of several took its share of the seconds."""
        began = time.perf_counter()
        try:
            analyses = super().analyze_all(notes, today, rubric)
        except Exception:
            self._metrics.analyses.labels("failed").inc(len(notes))
            raise
        seconds = (time.perf_counter() - began) / max(1, len(notes))
        for note in notes:
            self._metrics.analysis_seconds.observe(seconds)
            self._metrics.note_characters.observe(len(note.text))
        self._metrics.analyses.labels("done").inc(len(notes))
        return analyses


class RequestMetrics:
    """ASGI middleware: counts each request by method, route template and status, and its seconds."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self.metrics.in_flight.track_inprogress():
            try:
                await self.app(scope, receive, noting)
            finally:
                method = scope["method"] if scope["method"] in METHODS else "other"  # a method is any word the caller sends
                route = getattr(scope.get("route"), "path", "unmatched")
                self.metrics.requests.labels(method, route, str(status)).inc()
                self.metrics.request_seconds.labels(method, route).observe(time.perf_counter() - began)
