"""The web application, put together from parts handed in; nothing here reads settings or the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy import Engine

from service import api, embed, problems
from service import pages as note_page
from service.accounts import api as accounts_api
from service.accounts.access import Gate
from service.accounts.keys import find_principal
from service.accounts.rates import RateLimit
from service.analyzing import AnalyzerThread
from service.audits import agreement_pages, report_pages
from service.audits import api as audits_api
from service.audits import pages as audit_pages
from service.corrections import api as corrections_api
from service.corrections import pages as correction_pages
from service.imports import pages as import_pages
from service.imports.imports import Imports
from service.inbound import api as integrations_api
from service.inbound import hooks_api
from service.inbound.inbound import Inbound
from service.limits import BodyLimit
from service.logs import RequestLog
from service.notes import api as notes_api
from service.notes import deletion_api
from service.notes.hooks import Hooks
from service.operations import api as operations
from service.operations.lifecycle import Lifecycle
from service.operations.metrics import Metrics, RequestMetrics
from service.operations.readiness import Readiness
from service.outbound import api as subscriptions_api
from service.outbound import deliveries_api
from service.outbound.deliveries import Deliveries
from service.rendering import Pages, install
from service.reps import api as reps_api
from service.reps import pages as reps_pages
from service.rescoring import api as rescoring_api
from service.rescoring import pages as rescoring_pages
from service.rescoring.switching import Rescoring
from service.sessions import pages as session_pages
from service.sessions.gate import SessionGate
from service.sessions.pages import Login
from service.settings import Settings

STATIC = Path(__file__).parent / "static"
SWAGGER = Path(fastapi_offline.__file__).parent / "static"
"""Swagger UI's files from an installed package, so that /docs works with no internet."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms that work beside the requests, and what they do about notes."""

    hooks: Hooks
    inbound: Inbound
    deliveries: Deliveries
    imports: Imports


def create_app(
    thread: AnalyzerThread, engine: Engine, settings: Settings, now: Callable[[], datetime], monotonic: Callable[[], float], rooms: Rooms,
    metrics: Metrics, lifecycle: Lifecycle, refused: Callable[[], str | None] = lambda: None,
) -> FastAPI:  # fmt: skip
    """The application over a loaded analyzer and a migrated database. `now` tells the moment, `monotonic` seconds for rates; what is started
    and closed with the server stands in `lifecycle`; `refused` names a model version that is active and cannot be served here."""
    app = FastAPI(title="Fupan 复盘", version=thread.card.version, summary="Analysis of Chinese sales visit notes (拜访记录)", docs_url=None, redoc_url=None, lifespan=lifecycle.run,
                  description="Offsets are Unicode code points of the note as it was sent: `text[start:end] == quote` in Python. Calls under /v1/ need `Authorization: Bearer fk_…`; what /v1/analyses gets is never stored.")  # fmt: skip
    problems.install(app)
    accounts_api.install(app)
    app.include_router(api.routes(thread, engine, settings.max_note_characters))
    app.include_router(accounts_api.routes(engine, now))
    wiring = notes_api.Wiring(engine, thread, now, rooms.hooks, settings.max_note_characters)
    app.include_router(notes_api.routes(wiring))
    app.include_router(deletion_api.routes(wiring))
    app.include_router(hooks_api.routes(rooms.inbound))
    app.include_router(integrations_api.routes(rooms.inbound, settings.public_url))
    app.include_router(subscriptions_api.routes(rooms.deliveries))
    app.include_router(deliveries_api.routes(rooms.deliveries))
    readiness = Readiness(engine, lambda: thread.folder)

    def ready() -> operations.Ready:
        return operations.Ready(status="ready", model=thread.card.version, refused=refused())

    app.include_router(operations.routes(readiness, metrics, settings.metrics_token, settings.on_loopback, ready))
    app.include_router(embed.routes())
    rendered = Pages()
    install(app, rendered)
    open_analyses = settings.open_analyses == "always" or (settings.open_analyses == "auto" and settings.on_loopback)
    app.include_router(note_page.routes(rendered, open_analyses))
    logins = RateLimit(settings.logins_per_minute, settings.logins_per_minute, monotonic)
    login = Login(
        engine, now, logins, timedelta(hours=settings.session_hours), secure=settings.secure_cookies, oidc=settings.oidc_issuer is not None
    )
    app.include_router(session_pages.routes(login, rendered))
    if settings.oidc_issuer and settings.oidc_client_id and settings.oidc_tenant and settings.public_url:
        from service.sessions import oidc  # noqa: PLC0415 (Authlib warns while it is loaded: only where it is used, and after logs are set up)

        provider = oidc.Oidc(
            settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret_file, settings.oidc_tenant, settings.oidc_claim,
            settings.public_url, now,
        )  # fmt: skip
        app.include_router(oidc.routes(provider, login, rendered))
    app.include_router(corrections_api.routes(engine, now))
    app.include_router(correction_pages.routes(engine, now, rendered))
    app.include_router(reps_api.routes(engine, thread.today))
    app.include_router(reps_pages.routes(engine, thread.today, rendered))
    app.include_router(import_pages.routes(engine, rooms.imports, rendered))
    app.include_router(audits_api.routes(engine, thread.today))
    rescoring = Rescoring(engine, now, thread.today)
    app.include_router(rescoring_api.routes(rescoring))
    app.include_router(rescoring_pages.routes(rescoring, rendered))
    app.include_router(report_pages.routes(engine, rendered, thread.today, settings.chromium_path))
    app.include_router(agreement_pages.routes(engine, rendered))
    app.include_router(audit_pages.routes(engine, rendered, thread.today))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.mount("/swagger", StaticFiles(directory=SWAGGER), name="swagger")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Fupan API",
            swagger_js_url="/swagger/swagger-ui-bundle.js",
            swagger_css_url="/swagger/swagger-ui.css",
            swagger_favicon_url="/swagger/favicon.png",
        )

    app.add_middleware(
        BodyLimit,
        limit=settings.max_body_bytes,
        lower={"/v1/hooks/": settings.max_hook_bytes},
        streamed={"/import": settings.max_import_bytes},
    )
    rate = RateLimit(settings.requests_per_minute, settings.request_burst, monotonic)
    app.add_middleware(Gate, find=find_principal, engine=engine, rate=rate, now=now, open_analyses=open_analyses)
    app.add_middleware(SessionGate, engine=engine, now=now, secure=settings.secure_cookies)
    app.add_middleware(embed.EmbedOrigins, origins=settings.embed_origins)  # outside of what refuses: a foreign page may read why
    app.add_middleware(RequestMetrics, metrics=metrics)
    app.add_middleware(RequestLog)
    _finish_schema(app, thread)
    return app


def _finish_schema(app: FastAPI, thread: AnalyzerThread) -> None:
    """Put the model's version of now and the problem's schema into OpenAPI, and FastAPI's own validation error out of it: no route answers in
    that form."""
    original = app.openapi

    def openapi() -> dict[str, object]:
        schema = original()
        schema["info"]["version"] = thread.card.version
        parts = schema["components"]["schemas"]
        parts.pop("HTTPValidationError", None)
        parts.pop("ValidationError", None)
        problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts.update(problem.pop("$defs", {}))
        parts["Problem"] = problem
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
