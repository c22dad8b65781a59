"""Wiring, once, at the top: settings → database, model, application."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

from fastapi import FastAPI

from models.pipeline import load
from service.analyzing import AnalyzerThread
from service.app import create_app
from service.database import migrate, open_engine, record_served
from service.settings import Settings


def bootstrap(settings: Settings) -> FastAPI:
    """The application ready to serve: database migrated, model verified and loaded.

    Raises models.artefacts.ArtefactError where the model is missing or changed.
    """
    analyzer = load(settings.model_path)
    engine = open_engine(settings.database_url)
    migrate(engine)
    card = analyzer.card
    record_served(engine, card.version, card.corpus_hash, card.trained_at, datetime.now(UTC).replace(tzinfo=None))
    return create_app(AnalyzerThread(analyzer, date.today), engine, settings, lambda: datetime.now(UTC), time.monotonic)
