"""Wiring, once, at the top: settings → database, model, application, and what runs beside the requests."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from fastapi import FastAPI

from models.pipeline import load
from service.accounts.demo import demo_key
from service.analyzing import AnalyzerThread
from service.app import create_app
from service.console import utc_now
from service.database import migrate, open_engine, record_served
from service.durable import Durable
from service.ids import new_id
from service.inbound.erasing import erase
from service.inbound.inbound import QUEUE, WORKFLOW, Inbound
from service.inbound.integrations import Receivers
from service.inbound.receiving import Receiving
from service.notes.hooks import Hooks
from service.settings import Settings
from service.vault import open_vault

SWITCH_SECONDS = 0.001
"""A thread that works gives way to one that waits after this time, not after Python's 5 ms: a hook is answered while notes are analyzed."""


@dataclass(frozen=True, slots=True)
class Service:
    """What there is to serve; `demo_key` is the admin key of a tenant made just now, to be shown once. `start_work` and `stop_work` begin and end
    what is done from queues; the app does so itself where it is to work."""

    app: FastAPI
    demo_key: str | None
    start_work: Callable[[], None]
    stop_work: Callable[[], None]


def hooks() -> Hooks:
    """What the other rooms do when notes are analyzed or erased."""
    return Hooks(erasers=(erase,))


def bootstrap(settings: Settings) -> Service:
    """The application ready to serve: database migrated, model verified and loaded; on a loopback address a first tenant.

    Raises models.artefacts.ArtefactError where the model is missing or changed, service.vault.VaultError where stored secrets cannot be opened.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    key = settings.secret_key
    vault = open_vault(key.get_secret_value() if key is not None else None, settings.database_url)
    thread = AnalyzerThread(load(settings.model_path), date.today)
    engine = open_engine(settings.database_url)
    migrate(engine)
    now = datetime.now(UTC)
    record_served(engine, thread.card.version, thread.card.corpus_hash, thread.card.trained_at, now.replace(tzinfo=None))
    listening = hooks()
    durable = Durable(engine, new_id("ex", now), utc_now, time.monotonic, settings.dead_after_seconds)
    receiving = Receiving(engine, thread, utc_now, listening.on_analysis, settings.max_note_characters)
    receivers = Receivers(engine, vault, time.monotonic)
    inbound = Inbound(receiving, vault, receivers, durable.enqueue_all, timedelta(days=settings.event_log_days))

    def start_work() -> None:
        durable.start({QUEUE: settings.event_workers}, {WORKFLOW: inbound.receive})
        inbound.start()

    def stop_work() -> None:
        inbound.stop()
        durable.stop(settings.hand_back_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        inbound.intake.start()
        if settings.work_here:
            await asyncio.to_thread(start_work)  # DBOS refuses to be launched on the event loop
        yield
        await asyncio.to_thread(inbound.intake.stop)
        if settings.work_here:
            await asyncio.to_thread(stop_work)

    app = create_app(thread, engine, settings, utc_now, time.monotonic, listening, inbound, lifespan)
    return Service(app, demo_key(engine, now) if settings.on_loopback else None, start_work, stop_work)
