"""/login and /logout: an access key is exchanged for a session cookie."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Engine

from service.accounts.access import Principal
from service.accounts.keys import find_principal
from service.accounts.rates import RateLimit
from service.database import writing
from service.rendering import Pages
from service.sessions import store
from service.sessions.access import page_principal, read_form, viewer_of
from service.sessions.gate import cookie_name

_BACK = re.compile(r"/(?![/\\])[A-Za-z0-9_./?=&%+,:-]*")
FAILED = "登录没有成功：密钥不对、已停用，或者不能用来打开页面。"
"""One message for all causes: nobody learns which keys exist."""
TOO_OFTEN = "尝试次数太多，请过一分钟再试。"
HOME = {"rep": "/my", "trainer": "/customers", "admin": "/customers"}


@dataclass(frozen=True, slots=True)
class Login:
    """What logging in needs from outside. `secure`: the cookies are for https alone; `oidc`: a button to the identity provider is shown."""

    engine: Engine
    now: Callable[[], datetime]
    rate: RateLimit
    lasts: timedelta
    secure: bool
    oidc: bool = False

    def start(self, answer: Response, token: str, same_site: str = "strict") -> None:
        """Give a session's cookie."""
        seconds = int(self.lasts.total_seconds())
        answer.set_cookie(
            cookie_name(self.secure),
            token,
            max_age=seconds,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite=same_site,  # type: ignore[arg-type]
        )


def back_to(given: object, role: str) -> str:
    """Where to go after the login: the page asked for where it is one of ours, else the role's own."""
    return given if isinstance(given, str) and len(given) <= 1000 and _BACK.fullmatch(given) else HOME[role]


def routes(login: Login, pages: Pages) -> APIRouter:
    """Logging in and out."""
    router = APIRouter(include_in_schema=False)
    form_cookie = cookie_name(login.secure, "login")

    def form_page(request: Request, status: int, message: str, back: str) -> Response:
        # No session yet, so the form's token is a random one that a cookie repeats: another site can set neither.
        token = secrets.token_urlsafe(32)
        answer = pages.render(request, "login.html", status, token=token, message=message, back=back, oidc=login.oidc)
        answer.set_cookie(form_cookie, token, max_age=3600, path="/", secure=login.secure, httponly=True, samesite="strict")
        return answer

    @router.get("/login")
    async def show(request: Request, next: str = "") -> Response:
        viewer = viewer_of(request)
        if viewer is not None:
            return RedirectResponse(back_to(next, viewer.principal.role), 303)
        return form_page(request, 200, "", next[:1000])

    @router.get("/login/again", dependencies=[Depends(page_principal(*store.PAGE_ROLES))])
    async def again(request: Request) -> Response:
        return pages.render(request, "login_again.html")

    @router.post("/login")
    async def enter(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        back, cookie = str(form.get("next", "")), request.cookies.get(form_cookie, "")
        if not cookie or not hmac.compare_digest(str(form.get("token", "")).encode(), cookie.encode()):
            return form_page(request, 403, "页面已经过期，请再试一次。", back)
        wait = login.rate.take(request.client.host if request.client else "")
        if wait:
            answer = form_page(request, 429, TOO_OFTEN, back)
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        entered = await run_in_threadpool(exchange, str(form.get("key", "")).strip())
        if entered is None:
            return form_page(request, 401, FAILED, back)
        principal, token = entered
        answer = RedirectResponse(back_to(back, principal.role), 303)
        login.start(answer, token)
        answer.delete_cookie(form_cookie, path="/", secure=login.secure, httponly=True, samesite="strict")
        return answer

    def exchange(key: str) -> tuple[Principal, str] | None:
        now = login.now()
        principal = find_principal(login.engine, key, now)
        if principal is None or principal.role not in store.PAGE_ROLES:
            return None
        with writing(login.engine) as session:
            return principal, store.open_session(session, principal.tenant_id, now, login.lasts, key_id=principal.key_id)

    @router.post("/logout", dependencies=[Depends(page_principal(*store.PAGE_ROLES))])
    async def leave(request: Request) -> Response:
        await read_form(request)
        await run_in_threadpool(end, request.cookies.get(cookie_name(login.secure), ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(cookie_name(login.secure), path="/", secure=login.secure, httponly=True, samesite="strict")
        return answer

    def end(token: str) -> None:
        with writing(login.engine) as session:
            store.end_session(session, token)

    return router
