"""Wiring, once, at the top: settings → database, model, application."""

from __future__ import annotations

from datetime import UTC, date, datetime

from fastapi import FastAPI

from models.pipeline import Analyzer, load
from service.app import create_app
from service.database import migrate, open_engine, record_served
from service.operations.lifecycle import Lifecycle
from service.operations.metrics import Metrics
from service.settings import Settings


def prepare(settings: Settings) -> Analyzer:
    """The model verified and loaded, the database migrated. Leaves no connection and no thread, so that a fork may follow.

    Raises models.artefacts.ArtefactError where the model is missing or changed.
    """
    analyzer = load(settings.model_path)
    engine = open_engine(settings.database_url)
    try:
        migrate(engine)
        card = analyzer.card
        record_served(engine, card.version, card.corpus_hash, card.trained_at, datetime.now(UTC).replace(tzinfo=None))
    finally:
        engine.dispose()
    return analyzer


def assemble(settings: Settings, analyzer: Analyzer) -> FastAPI:
    """The application of one server process over what was prepared."""
    engine = open_engine(settings.database_url)
    lifecycle = Lifecycle(on_stop=[engine.dispose])
    return create_app(analyzer, engine, settings, date.today, Metrics(analyzer.card), lifecycle)


def bootstrap(settings: Settings) -> FastAPI:
    """The application ready to serve in this process.

    Raises models.artefacts.ArtefactError where the model is missing or changed.
    """
    return assemble(settings, prepare(settings))
