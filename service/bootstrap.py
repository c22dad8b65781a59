"""Wiring, once, at the top: settings → database, model, application."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import FastAPI

from models.pipeline import load
from service.accounts.demo import demo_key
from service.analyzing import AnalyzerThread
from service.app import create_app
from service.database import migrate, open_engine, record_served
from service.notes.hooks import Hooks
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """What there is to serve; `demo_key` is the admin key of a tenant made just now, to be shown once."""

    app: FastAPI
    demo_key: str | None


def hooks() -> Hooks:
    """What the other rooms do when notes are analyzed or erased."""
    return Hooks()


def bootstrap(settings: Settings) -> Service:
    """The application ready to serve: database migrated, model verified and loaded; on a loopback address a first tenant.

    Raises models.artefacts.ArtefactError where the model is missing or changed.
    """
    thread = AnalyzerThread(load(settings.model_path), date.today)
    engine = open_engine(settings.database_url)
    migrate(engine)
    now = datetime.now(UTC)
    record_served(engine, thread.card.version, thread.card.corpus_hash, thread.card.trained_at, now.replace(tzinfo=None))
    app = create_app(thread, engine, settings, lambda: datetime.now(UTC), time.monotonic, hooks())
    return Service(app, demo_key(engine, now) if settings.on_loopback else None)
