"""Wiring, once, at the top: settings → database, model, rooms, application, and what runs beside the requests."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from service import wiring
from service.accounts.demo import demo_key
from service.analyzing import AnalyzerThread
from service.app import Rooms, create_app
from service.bell import Bell
from service.console import utc_now
from service.corrections.erasing import erase as erase_corrections
from service.corrections.store import reapply
from service.database import migrate, open_engine, reading, record_served
from service.durable import Durable, HandOver, Together, Workflow
from service.ids import new_id
from service.imports.analyses import on_thread
from service.imports.erasing import erase as erase_staged
from service.imports.imports import QUEUE as IMPORTS
from service.imports.imports import WORKFLOW as IMPORT
from service.imports.imports import Imports
from service.imports.working import Working
from service.inbound import events
from service.inbound.erasing import erase
from service.inbound.inbound import GROUPS, Inbound
from service.inbound.inbound import QUEUE as EVENTS
from service.inbound.inbound import WORKFLOW as RECEIVE
from service.inbound.integrations import Receivers
from service.inbound.receiving import Receiving
from service.notes import outgoing
from service.notes.hooks import Hooks, OnAnalysis
from service.operations.lifecycle import Lifecycle
from service.operations.metrics import MeasuredAnalyzer, Metrics
from service.outbound import outbox
from service.outbound.connector import Connector
from service.outbound.deliveries import QUEUE as DELIVERIES
from service.outbound.deliveries import WORKFLOW as DELIVER
from service.outbound.deliveries import Deliveries
from service.rescoring.authors import erase as forget_authors
from service.settings import Settings
from service.sweeping import Sweep
from service.vault import Vault
from service.versions.following import Chosen, Follower, choose
from service.versions.shelf import Shelf

SWITCH_SECONDS = 0.001
"""A thread that works gives way to one that waits after this time, not after Python's 5 ms: a hook is answered while notes are analyzed."""


@dataclass(slots=True)
class Prepared:
    """What server processes share; `demo_key` is the admin key of a tenant made just now, to be shown once. A process takes the model out, so
    that nothing here keeps it in memory once another one is served."""

    chosen: Chosen | None
    shelf: Shelf
    vault: Vault
    connector: Connector
    demo_key: str | None

    def take_model(self) -> Chosen:
        """The model, once in a process."""
        chosen, self.chosen = self.chosen, None
        assert chosen is not None
        return chosen


def keeping_corrections(now: Callable[[], datetime] = utc_now) -> OnAnalysis:
    """What every new analysis of a note needs, whether subscriptions are told or not: the trainers' corrections go on counting."""

    def on_analysis(session: Session, tenant_id: str, note_id: str, _: str) -> None:
        reapply(session, tenant_id, note_id, now())

    return on_analysis


def hooks(now: Callable[[], datetime] = utc_now, committed: Callable[[], None] = lambda: None) -> Hooks:
    """What the rooms do when notes are analyzed or erased. `committed` is called when there may be something to deliver; a command has nobody
    to tell, the running server finds what was stored."""
    told, correct = outgoing.hooks(now, committed), keeping_corrections(now)

    def on_analysis(session: Session, tenant_id: str, note_id: str, analysis_id: str) -> None:
        told.on_analysis(session, tenant_id, note_id, analysis_id)
        correct(session, tenant_id, note_id, analysis_id)

    return Hooks(on_analysis, (*told.erasers, erase, erase_staged, erase_corrections, forget_authors))


def rooms(
    settings: Settings, engine: Engine, thread: AnalyzerThread, vault: Vault, connector: Connector, now: Callable[[], datetime],
    monotonic: Callable[[], float], chance: Callable[[], float], hand_over: HandOver,
) -> Rooms:  # fmt: skip
    """The rooms over a database. `chance` gives 0 to below 1; `hand_over` is Durable's."""
    kept = timedelta(days=settings.delivery_log_days)
    deliveries = Deliveries(engine, vault, connector, outgoing.read_content, now, chance, hand_over, kept)
    about_notes = hooks(now, deliveries.sweep.wake)
    receiving = Receiving(engine, thread, now, about_notes.on_analysis, settings.max_note_characters)
    receivers = Receivers(engine, vault, monotonic)
    inbound = Inbound(receiving, vault, receivers, hand_over, timedelta(days=settings.event_log_days))
    importing = Working(engine, on_thread(thread), thread.today, now, about_notes.erasers, settings.max_note_characters)
    imports = Imports(importing, hand_over, monotonic)
    return Rooms(about_notes, inbound, deliveries, imports)


def prepare(settings: Settings, first_tenant: bool) -> Prepared:
    """The database migrated, the active model verified and loaded, a first tenant made where one is wanted. Leaves no connection and no thread, so
    that a fork may follow.

    Raises models.artefacts.ArtefactError where the model is missing or changed, service.vault.VaultError where there is no usable key of
    stored secrets, OSError where the file of authorities cannot be read.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    vault, connector = wiring.vault(settings), wiring.connector(settings)
    shelf = wiring.shelf(settings)
    engine = open_engine(settings.database_url)
    try:
        migrate(engine)
        chosen = choose(engine, shelf)
        card, now = chosen.analyzer.card, utc_now()
        record_served(engine, card.version, card.corpus_hash, card.trained_at, now.replace(tzinfo=None))
        return Prepared(chosen, shelf, vault, connector, demo_key(engine, now) if first_tenant else None)
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Parts:
    """What any process is put together from; `lifecycle` starts and stops what runs in it."""

    engine: Engine
    thread: AnalyzerThread
    durable: Durable
    rooms: Rooms
    metrics: Metrics
    follower: Follower
    lifecycle: Lifecycle

    @property
    def sweeps(self) -> tuple[Sweep, ...]:
        """What looks for work."""
        return self.rooms.deliveries.sweep, self.rooms.inbound.sweep, self.rooms.imports.sweep


def assemble(settings: Settings, prepared: Prepared) -> Parts:
    """The parts of one process over what was prepared."""
    engine = open_engine(settings.database_url)
    chosen, shelf = prepared.take_model(), prepared.shelf
    metrics = Metrics(chosen.analyzer.card)
    thread = AnalyzerThread(MeasuredAnalyzer(chosen.analyzer, metrics), date.today, shelf.folder_of(chosen.version))
    follower = Follower(engine, shelf, thread, chosen.version, utc_now, lambda found: MeasuredAnalyzer(found, metrics), metrics.tell_model)
    durable = Durable(engine, new_id("ex", utc_now()), utc_now, time.monotonic, settings.dead_after_seconds)
    made = rooms(settings, engine, thread, prepared.vault, prepared.connector, utc_now, time.monotonic, random.random, durable.hand_over)
    lifecycle = Lifecycle(on_start=[follower.start], on_stop=[engine.dispose, thread.close, follower.stop])
    return Parts(engine, thread, durable, made, metrics, follower, lifecycle)


def working(settings: Settings, prepared: Prepared, bell: Bell) -> Lifecycle:
    """The process that works off what stands in queues. It looks each second, and whenever the bell rings."""
    parts = assemble(settings, prepared)
    made, durable, lifecycle = parts.rooms, parts.durable, parts.lifecycle
    queues = {EVENTS: GROUPS, DELIVERIES: settings.delivery_workers, IMPORTS: 1}
    receive = Together(made.inbound.receive_together, settings.event_workers)
    workflows: dict[str, Workflow] = {RECEIVE: receive, DELIVER: made.deliveries.attempt, IMPORT: made.imports.work}
    beside = (made.deliveries.sweep, made.inbound.sweep, made.imports)

    def wake() -> None:
        for sweep in parts.sweeps:
            sweep.wake()

    lifecycle.on_start += [lambda: durable.start(queues, workflows), *(one.start for one in beside), lambda: bell.listen(wake)]
    lifecycle.on_stop += [lambda: durable.stop(settings.hand_back_seconds), *(one.stop for one in beside), bell.stop]
    return lifecycle


def application(settings: Settings, prepared: Prepared, bell: Bell) -> FastAPI:
    """The application of one server process. It works off nothing itself: the bell wakes the process that does, where it is of the same server."""
    parts = assemble(settings, prepared)
    watch(parts.metrics, parts.engine)
    follower = parts.follower
    parts.metrics.watch(
        "fupan_model_refused", "1 while this process cannot serve the active model version.", lambda: follower.refused is not None
    )
    for sweep in parts.sweeps:
        sweep.runs_elsewhere(bell.ring)
    intake = parts.rooms.inbound.intake
    parts.lifecycle.on_start.append(intake.start)
    parts.lifecycle.on_stop.append(intake.stop)
    return create_app(
        parts.thread, parts.engine, settings, utc_now, time.monotonic, parts.rooms, parts.metrics, parts.lifecycle, lambda: follower.refused
    )  # fmt: skip


def watch(metrics: Metrics, engine: Engine) -> None:
    """Let the metrics tell what waits in the rooms."""

    def read(count: Callable[[Session], Mapping[str, float]]) -> Callable[[], Mapping[str, float]]:
        def counted() -> Mapping[str, float]:
            with reading(engine) as session:
                return count(session)

        return counted

    metrics.watch("fupan_events", "Inbound events kept, by state.", read(events.counts), "state")
    metrics.watch("fupan_deliveries", "Deliveries kept, by state.", read(outbox.counts), "state")
