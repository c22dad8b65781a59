"""The web application, put together from parts handed in; nothing here reads settings or the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy import Engine

from models.pipeline import Analyzer
from service import embed, problems
from service.api import routes
from service.limits import BodyLimit
from service.logs import RequestLog
from service.operations import api as operations
from service.operations.lifecycle import Lifecycle
from service.operations.metrics import MeasuredAnalyzer, Metrics, RequestMetrics
from service.operations.readiness import Readiness
from service.pages import pages
from service.settings import Settings, is_loopback

STATIC = Path(__file__).parent / "static"
SWAGGER = Path(fastapi_offline.__file__).parent / "static"
"""Swagger UI's files from an installed package, so that /docs works with no internet."""


def create_app(
    analyzer: Analyzer, engine: Engine, settings: Settings, today: Callable[[], date], metrics: Metrics, lifecycle: Lifecycle
) -> FastAPI:
    """The application over a loaded analyzer and a migrated database; rooms add their gauges to `metrics`, what they start and close
    to `lifecycle`."""
    analyzer = MeasuredAnalyzer(analyzer, metrics)
    app = FastAPI(title="Fupan 复盘", version=analyzer.card.version, summary="Analysis of Chinese sales visit notes (拜访记录)", docs_url=None, redoc_url=None, lifespan=lifecycle.run,
                  description="Offsets are Unicode code points of the note as it was sent: `text[start:end] == quote` in Python. Nothing sent to these calls is stored.")  # fmt: skip
    problems.install(app)
    app.include_router(routes(analyzer, today, settings.max_note_characters))
    readiness = Readiness(engine, settings.model_path)
    app.include_router(operations.routes(readiness, metrics, settings.metrics_token, is_loopback(settings.host)))
    app.include_router(pages())
    app.include_router(embed.routes())
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

    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(embed.EmbedOrigins, origins=settings.embed_origins)  # outside of what refuses: a foreign page may read why
    app.add_middleware(RequestMetrics, metrics=metrics)
    app.add_middleware(RequestLog)
    _name_problem_schema(app)
    return app


def _name_problem_schema(app: FastAPI) -> None:
    """Put the problem's schema into OpenAPI and FastAPI's own validation error out of it: no route answers in that form."""
    original = app.openapi

    def openapi() -> dict[str, object]:
        schema = original()
        parts = schema["components"]["schemas"]
        parts.pop("HTTPValidationError", None)
        parts.pop("ValidationError", None)
        problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts.update(problem.pop("$defs", {}))
        parts["Problem"] = problem
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
