"""Wiring, once, at the top: settings → database, model, application, and what runs beside the requests."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import FastAPI

from models.pipeline import Analyzer, load
from service.accounts.demo import demo_key
from service.analyzing import AnalyzerThread
from service.app import create_app
from service.console import utc_now
from service.database import migrate, open_engine, record_served
from service.durable import Durable
from service.ids import new_id
from service.notes import outgoing
from service.notes.hooks import Hooks
from service.operations.lifecycle import Lifecycle
from service.operations.metrics import MeasuredAnalyzer, Metrics
from service.outbound import wiring
from service.outbound.connector import Connector
from service.outbound.deliveries import QUEUE, WORKFLOW, Deliveries
from service.settings import Settings
from service.vault import Vault


@dataclass(frozen=True, slots=True)
class Prepared:
    """What server processes share; `demo_key` is the admin key of a tenant made just now, to be shown once."""

    analyzer: Analyzer
    vault: Vault
    connector: Connector
    demo_key: str | None


def hooks() -> Hooks:
    """What the other rooms do when a command analyzes or erases notes: deliveries are stored, and a running server sends them."""
    return outgoing.hooks(utc_now, lambda: None)


def prepare(settings: Settings) -> Prepared:
    """The model verified and loaded, the database migrated; on a loopback address a first tenant. Leaves no connection and no thread, so
    that a fork may follow.

    Raises models.artefacts.ArtefactError where the model is missing or changed, service.vault.VaultError where stored secrets cannot be opened,
    OSError where the file of authorities cannot be read.
    """
    vault, connector = wiring.vault(settings), wiring.connector(settings)
    analyzer = load(settings.model_path)
    engine = open_engine(settings.database_url)
    try:
        migrate(engine)
        card, now = analyzer.card, utc_now()
        record_served(engine, card.version, card.corpus_hash, card.trained_at, now.replace(tzinfo=None))
        return Prepared(analyzer, vault, connector, demo_key(engine, now) if settings.on_loopback else None)
    finally:
        engine.dispose()


def assemble(settings: Settings, prepared: Prepared) -> FastAPI:
    """The application of one server process over what was prepared."""
    engine = open_engine(settings.database_url)
    metrics = Metrics(prepared.analyzer.card)
    thread = AnalyzerThread(MeasuredAnalyzer(prepared.analyzer, metrics), date.today)
    durable = Durable(engine, new_id("ex", utc_now()), utc_now, time.monotonic, settings.dead_after_seconds)
    deliveries = Deliveries(
        engine, prepared.vault, prepared.connector, outgoing.read_content, utc_now, random.random, durable.enqueue,
        timedelta(days=settings.delivery_log_days),
    )  # fmt: skip

    def start() -> None:
        durable.start({QUEUE: settings.delivery_workers}, {WORKFLOW: deliveries.attempt})
        deliveries.start()

    def stop() -> None:
        deliveries.stop()
        durable.stop(settings.hand_back_seconds)

    lifecycle = Lifecycle(on_start=[start], on_stop=[engine.dispose, thread.close, stop])
    hooks = outgoing.hooks(utc_now, deliveries.wake)
    return create_app(thread, engine, settings, utc_now, time.monotonic, hooks, metrics, lifecycle, deliveries)
