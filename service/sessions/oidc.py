"""Login by a company's identity provider: OpenID Connect, authorization code with PKCE, by Authlib. Off until an issuer is set.

What must come back unchanged (state, nonce, verifier, the page asked for) waits in a cookie of this browser; the server keeps nothing.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import httpx
import structlog
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from service.accounts.store import find_tenant, person_by_external_id
from service.database import writing
from service.rendering import Pages
from service.sessions.gate import cookie_name
from service.sessions.pages import Login, back_to
from service.sessions.store import open_session

SCOPES = {"email": "openid email", "sub": "openid"}
ALGORITHMS = ["RS256", "ES256", "PS256"]
SECONDS = 10
LEEWAY = 60
FAILED = "公司账号登录没有成功。请再试一次；还是不行，请管理员核对你的账号。"


class OidcError(Exception):
    """The identity provider's answer is not good enough; the message names the step and nothing personal."""


@dataclass
class Oidc:
    """An identity provider. `claim` is compared with a person's external id in the tenant; an e-mail counts when it is verified."""

    issuer: str
    client_id: str
    client_secret_file: Path | None
    tenant: str
    claim: Literal["email", "sub"]
    public_url: str
    now: Callable[[], datetime]
    _metadata: dict[str, Any] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def callback(self) -> str:
        """Where the provider sends people back to."""
        return f"{self.public_url.rstrip('/')}/login/oidc/callback"

    def metadata(self) -> dict[str, Any]:
        """The provider's own description, fetched once. Raises OidcError where it is not the issuer's, httpx.HTTPError."""
        with self._lock:
            if self._metadata is None:
                found = httpx.get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", timeout=SECONDS).raise_for_status().json()
                if found.get("issuer") != self.issuer:
                    raise OidcError("issuer")
                self._metadata = found
            return self._metadata

    def _client(self) -> OAuth2Client:
        secret = self.client_secret_file.read_text("utf-8").strip() if self.client_secret_file else None
        method = "client_secret_basic" if secret else "none"
        return OAuth2Client(
            self.client_id, secret, token_endpoint_auth_method=method, scope=SCOPES[self.claim], redirect_uri=self.callback,
            code_challenge_method="S256", timeout=SECONDS,
        )  # fmt: skip

    def begin(self, state: str, nonce: str, verifier: str) -> str:
        """The address at the provider to send the browser to."""
        with self._client() as client:
            address = client.create_authorization_url(
                self.metadata()["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(address[0])

    def finish(self, code: str, nonce: str, verifier: str) -> str:
        """The person's claim, by the code that came back. Raises OidcError, OAuthError, JoseError, httpx.HTTPError."""
        metadata = self.metadata()
        with self._client() as client:
            token = client.fetch_token(metadata["token_endpoint"], code=code, code_verifier=verifier)
            keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"], timeout=SECONDS).raise_for_status().json())
        claims = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS).claims
        moment = int(self.now().timestamp())
        jwt.JWTClaimsRegistry(
            now=moment, leeway=LEEWAY, iss={"essential": True, "value": self.issuer}, aud={"essential": True, "value": self.client_id},
            exp={"essential": True}, iat={"essential": True}, sub={"essential": True},
        ).validate(claims)  # fmt: skip
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise OidcError("nonce")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self.client_id:
            raise OidcError("azp")
        if self.claim == "email" and claims.get("email_verified") is not True:
            raise OidcError("email not verified")
        found = claims.get(self.claim)
        if not isinstance(found, str) or not found:
            raise OidcError("claim")
        return found


def routes(oidc: Oidc, login: Login, pages: Pages) -> APIRouter:
    """Going to the provider and coming back."""
    router = APIRouter(include_in_schema=False)
    name = cookie_name(login.secure, "oidc")

    def failed(request: Request, step: str) -> Response:
        structlog.get_logger().warning("login by identity provider failed", step=step)
        answer = pages.render(request, "problem.html", 401, title="登录没有成功", text=FAILED)
        answer.delete_cookie(name, path="/", secure=login.secure, httponly=True, samesite="lax")
        return answer

    @router.get("/login/oidc")
    def begin(request: Request, next: str = "") -> Response:
        if login.rate.take(request.client.host if request.client else ""):
            return failed(request, "rate")
        waiting = {"state": secrets.token_urlsafe(32), "nonce": secrets.token_urlsafe(32), "verifier": secrets.token_urlsafe(48)}
        try:
            address = oidc.begin(**waiting)
        except (OidcError, OAuthError, httpx.HTTPError, ValueError, KeyError, OSError) as error:
            return failed(request, type(error).__name__)
        answer = RedirectResponse(address, 303)
        # Lax: the way back comes from another site.
        kept = json.dumps({**waiting, "next": next[:500]})
        answer.set_cookie(name, kept.encode().hex(), max_age=600, path="/", secure=login.secure, httponly=True, samesite="lax")
        return answer

    @router.get("/login/oidc/callback")
    def back(request: Request, code: str = "", state: str = "") -> Response:
        try:
            waiting = json.loads(bytes.fromhex(request.cookies.get(name, "")))
            if not code or not hmac.compare_digest(state.encode(), str(waiting["state"]).encode()):
                raise OidcError("state")
            claim = oidc.finish(code, str(waiting["nonce"]), str(waiting["verifier"]))
        except (OidcError, OAuthError, JoseError, httpx.HTTPError, ValueError, KeyError, TypeError, OSError) as error:
            return failed(request, str(error) if isinstance(error, OidcError) else type(error).__name__)
        with writing(login.engine) as session:
            tenant = find_tenant(session, oidc.tenant)
            person = None if tenant is None else person_by_external_id(session, tenant.id, claim)
            if tenant is None or person is None:
                return failed(request, "no such person")
            role = person.role
            token = open_session(session, tenant.id, login.now(), login.lasts, person_id=person.id)
        answer = RedirectResponse(back_to(waiting.get("next"), role), 303)
        login.start(answer, token, same_site="lax")
        answer.delete_cookie(name, path="/", secure=login.secure, httponly=True, samesite="lax")
        return answer

    return router
