"""Wiring, once, at the top: settings → database, model, application."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date

from fastapi import FastAPI

from models.pipeline import Analyzer, load
from service.accounts.demo import demo_key
from service.analyzing import AnalyzerThread
from service.app import create_app
from service.console import utc_now
from service.database import migrate, open_engine, record_served
from service.notes.hooks import Hooks
from service.operations.lifecycle import Lifecycle
from service.operations.metrics import MeasuredAnalyzer, Metrics
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Prepared:
    """What server processes share; `demo_key` is the admin key of a tenant made just now, to be shown once."""

    analyzer: Analyzer
    demo_key: str | None


def hooks() -> Hooks:
    """What the other rooms do when notes are analyzed or erased."""
    return Hooks()


def prepare(settings: Settings) -> Prepared:
    """The model verified and loaded, the database migrated; on a loopback address a first tenant. Leaves no connection and no thread, so
    that a fork may follow.

    Raises models.artefacts.ArtefactError where the model is missing or changed.
    """
    analyzer = load(settings.model_path)
    engine = open_engine(settings.database_url)
    try:
        migrate(engine)
        card, now = analyzer.card, utc_now()
        record_served(engine, card.version, card.corpus_hash, card.trained_at, now.replace(tzinfo=None))
        return Prepared(analyzer, demo_key(engine, now) if settings.on_loopback else None)
    finally:
        engine.dispose()


def assemble(settings: Settings, analyzer: Analyzer) -> FastAPI:
    """The application of one server process over what was prepared."""
    engine = open_engine(settings.database_url)
    metrics = Metrics(analyzer.card)
    thread = AnalyzerThread(MeasuredAnalyzer(analyzer, metrics), date.today)
    lifecycle = Lifecycle(on_stop=[engine.dispose, thread.close])
    return create_app(thread, engine, settings, utc_now, time.monotonic, hooks(), metrics, lifecycle)
