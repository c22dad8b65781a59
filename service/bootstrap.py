"""Wiring, once, at the top: settings → database, model, application, and what runs beside the requests."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
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
from service.notes import outgoing
from service.notes.hooks import Hooks
from service.outbound import wiring
from service.outbound.deliveries import QUEUE, WORKFLOW, Deliveries
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """What there is to serve; `demo_key` is the admin key of a tenant made just now, to be shown once."""

    app: FastAPI
    demo_key: str | None


def hooks() -> Hooks:
    """What the other rooms do when a command analyzes or erases notes: deliveries are stored, and a running server sends them."""
    return outgoing.hooks(utc_now, lambda: None)


def bootstrap(settings: Settings) -> Service:
    """The application ready to serve: database migrated, model verified and loaded; on a loopback address a first tenant.

    Raises models.artefacts.ArtefactError where the model is missing or changed, service.vault.VaultError where stored secrets cannot be opened,
    OSError where the file of authorities cannot be read.
    """
    vault, connector = wiring.vault(settings), wiring.connector(settings)
    thread = AnalyzerThread(load(settings.model_path), date.today)
    engine = open_engine(settings.database_url)
    migrate(engine)
    now = datetime.now(UTC)
    record_served(engine, thread.card.version, thread.card.corpus_hash, thread.card.trained_at, now.replace(tzinfo=None))
    durable = Durable(engine, new_id("ex", now), utc_now, time.monotonic, settings.dead_after_seconds)
    deliveries = Deliveries(
        engine, vault, connector, outgoing.read_content, utc_now, random.random, durable.enqueue, timedelta(days=settings.delivery_log_days)
    )

    def start() -> None:
        durable.start({QUEUE: settings.delivery_workers}, {WORKFLOW: deliveries.attempt})
        deliveries.start()

    def stop() -> None:
        deliveries.stop()
        durable.stop(settings.hand_back_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(start)  # DBOS refuses to be launched on the event loop
        yield
        await asyncio.to_thread(stop)

    app = create_app(thread, engine, settings, utc_now, time.monotonic, outgoing.hooks(utc_now, deliveries.wake), deliveries, lifespan)
    return Service(app, demo_key(engine, now) if settings.on_loopback else None)
