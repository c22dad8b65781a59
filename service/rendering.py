"""Pages as HTML: one Jinja2 environment (always escaping), one set of headers, one navigation, and errors as pages where a person looks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException

from service.accounts.access import Role
from service.problems import ProblemError
from service.routing import every_route
from service.sessions.access import LoginNeededError, viewer_of

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
NAVIGATION: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("/", "写笔记", frozenset({"admin", "rep"})),
    ("/my", "我的记录", frozenset({"rep"})),
    ("/customers", "客户简报", frozenset({"admin", "trainer", "rep"})),
    ("/import", "导入", frozenset({"admin", "trainer"})),
    ("/audit", "团队审计", frozenset({"admin", "trainer"})),
    ("/appeals", "申诉", frozenset({"admin", "trainer"})),
    ("/settings/rubric", "评分表", frozenset({"admin", "trainer"})),
)
"""Address, words, whose. What an installation has no route for is left out."""
ROLE_WORDS: dict[Role, str] = {"admin": "管理员", "trainer": "培训师", "rep": "销售"}
_SAID = {
    403: ("你不能打开这一页", "你的登录没有这个权限。需要的话，请管理员给你开通。"),
    404: ("没有这一页", "地址不对，或者这条记录不在你能看的范围里。"),
    405: ("没有这一页", "这个地址不能这样打开。"),
    409: ("没有做成", "它的状态已经变了，请刷新后再看。"),
    413: ("文件太大", "超过了这台服务器允许的大小。"),
    422: ("填的内容不对", "请返回上一页，检查填写的内容。"),
    429: ("操作太频繁", "请过一会儿再试。"),
}


def moment(at: datetime) -> Markup:
    """A moment in UTC, which static/moments.js puts into the reader's time."""
    utc = at.astimezone(UTC)
    return Markup('<time class="moment" datetime="{}">{:%Y-%m-%d %H:%M} UTC</time>').format(utc.isoformat(timespec="seconds"), utc)


def _environment() -> Environment:
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["moment"] = moment
    return made


class Pages:
    """Renders templates for whoever looks at them."""

    def __init__(self) -> None:
        self.environment = _environment()

    def render(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A page with navigation. Templates extend base.html and get `viewer`, `navigation`, `path`, `csrf` besides the context."""
        viewer = viewer_of(request)
        paths = _page_paths(request.app) if viewer else frozenset()
        mine = [(p, w) for p, w, roles in NAVIGATION if viewer and viewer.principal.role in roles and p in paths]
        html = self.environment.get_template(template).render(
            viewer=viewer, navigation=mine, path=request.url.path, csrf=viewer.csrf if viewer else "",
            role_word=ROLE_WORDS.get(viewer.principal.role, "") if viewer else "", **context,
        )  # fmt: skip
        return HTMLResponse(html, status, SECURITY_HEADERS)


def _page_paths(app: FastAPI) -> frozenset[str]:
    """The addresses the application has routes for, found once."""
    if not hasattr(app.state, "page_paths"):
        app.state.page_paths = frozenset(route.path for route in every_route(app))
    found: frozenset[str] = app.state.page_paths
    return found


def install(app: FastAPI, pages: Pages) -> None:
    """Answer the errors of page routes as pages; what is under /v1/ or asked for by a program stays a problem in JSON."""
    answers = {kind: app.exception_handlers[kind] for kind in (ProblemError, HTTPException, RequestValidationError)}

    @app.exception_handler(LoginNeededError)
    async def login(request: Request, _: LoginNeededError) -> Response:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(back, safe='/')}" if request.method == "GET" else "/login", 303)

    def page(request: Request, status: int, stale: bool = False) -> Response | None:
        if request.url.path.startswith("/v1/") or "text/html" not in request.headers.get("accept", ""):
            return None
        title, text = _SAID.get(status, ("没有做成", "服务器没能完成这一步，请稍后再试。"))
        if stale:
            title, text = "页面已经过期", "请刷新页面，再提交一次。"
        return pages.render(request, "problem.html", status, title=title, text=text)

    @app.exception_handler(ProblemError)
    async def expected(request: Request, error: ProblemError) -> Response:
        found = page(request, error.problem.status, error.problem.type == "/problems/stale-form")
        return found or await answers[ProblemError](request, error)  # type: ignore[misc]

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return page(request, error.status_code) or await answers[HTTPException](request, error)  # type: ignore[misc]

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> Response:
        return page(request, 422) or await answers[RequestValidationError](request, error)  # type: ignore[misc]
