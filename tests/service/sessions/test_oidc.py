"""Login by an identity provider: a small one on loopback, which says what a test has it say."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from service.accounts.store import create_person
from service.database import writing
from tests.service.conftest import Tenancy, World, make_world
from tests.service.sessions.test_login import HTML

KEY, FOREIGN = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))


class Issuer:
    """`claims` are added to or replace the right ones; `signs` is the key of its tokens."""

    def __init__(self) -> None:
        self.claims: dict[str, object] = {}
        self.signs, self.sent, self.asked = KEY, {}, {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys = {"keys": [KEY.as_dict(private=False)]}
                self.answer(outer.described() if "well-known" in self.path else keys)

            def do_POST(self) -> None:
                body = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                outer.sent = {k: v[0] for k, v in body.items()} | {"authorization": self.headers.get("authorization", "")}
                challenge = base64.urlsafe_b64encode(hashlib.sha256(outer.sent["code_verifier"].encode()).digest()).rstrip(b"=").decode()
                if challenge != outer.asked["code_challenge"]:
                    self.send_error(400)
                    return
                self.answer({"access_token": "a", "token_type": "Bearer", "id_token": outer.token()})

            def answer(self, content: object) -> None:
                raw = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.now = 0
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def described(self) -> dict[str, str]:
        return {"issuer": self.url} | {n: f"{self.url}/{n}" for n in ("authorization_endpoint", "token_endpoint", "jwks_uri")}

    def token(self) -> str:
        right = {
            "iss": self.url,
            "aud": "fupan",
            "sub": "u-1",
            "email": "crm-1",
            "email_verified": True,
            "iat": self.now,
            "exp": self.now + 300,
            "nonce": self.asked["nonce"],
        }
        return jwt.encode({"alg": "RS256", "kid": "one"}, {k: v for k, v in (right | self.claims).items() if v is not None}, self.signs)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    running = Issuer()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def company(engine, thread, world: World, issuer: Issuer, tmp_path) -> Tenancy:
    """A tenant whose people log in by the issuer."""
    secret = tmp_path / "secret"
    secret.write_text("geheim\n")
    first = world.tenant()
    own = make_world(
        engine,
        thread,
        oidc_issuer=issuer.url,
        oidc_client_id="fupan",
        oidc_client_secret_file=secret,
        oidc_tenant=first.id,
        public_url="http://testserver",
    )
    issuer.now = int(own.clock.seconds())
    return Tenancy(own, first.id, first.teams, first.reps, first.keys)


def go(company: Tenancy, issuer: Issuer, **changes: str):
    browser = TestClient(company.world.http.app, headers=HTML, follow_redirects=False)
    leaving = browser.get("/login/oidc?next=/customers")
    assert leaving.status_code == 303
    issuer.asked = {k: v[0] for k, v in parse_qs(urlsplit(leaving.headers["location"]).query).items()}
    back = {"code": "c", "state": issuer.asked["state"]} | changes
    return browser, browser.get("/login/oidc/callback", params=back)


def test_a_person_known_by_the_claim_is_let_in(company: Tenancy, issuer: Issuer) -> None:
    browser, answer = go(company, issuer)
    assert (answer.status_code, answer.headers["location"]) == (303, "/customers")
    assert issuer.asked["redirect_uri"] == "http://testserver/login/oidc/callback"
    assert issuer.asked["code_challenge_method"] == "S256"
    assert base64.b64decode(issuer.sent["authorization"].removeprefix("Basic ")) == b"fupan:geheim"
    page = browser.get("/my")
    assert page.status_code == 200
    assert "销售1" in page.text
    assert "SameSite=lax" in next(c for c in answer.headers.get_list("set-cookie") if c.startswith("fupan_session="))


def test_a_trainer_reads_the_own_team(company: Tenancy, issuer: Issuer) -> None:
    with writing(company.world.engine) as session:
        create_person(session, company.id, "带教", "trainer", company.teams[0], "trainer@x.test", company.world.clock())
    company.store(customer="一组的", rep_id=company.reps[0])
    company.store(customer="二组的", rep_id=company.reps[1])
    issuer.claims = {"email": "trainer@x.test"}
    browser, _ = go(company, issuer)
    page = browser.get("/customers").text
    assert "一组的" in page
    assert "二组的" not in page


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "nobody@x.test"}, {"email_verified": False}, {"email_verified": None}, {"email": None}, {"nonce": "other"}, {"nonce": None},
        {"aud": "another"}, {"iss": "http://127.0.0.1/"}, {"exp": 1}, {"exp": None}, {"aud": ["fupan", "another"]},
    ],
)  # fmt: skip
def test_a_token_that_is_not_right_lets_nobody_in(company: Tenancy, issuer: Issuer, claims: dict[str, object]) -> None:
    issuer.claims = claims
    browser, answer = go(company, issuer)
    assert answer.status_code == 401
    assert browser.get("/my").status_code == 303


def test_another_key_another_state_or_no_cookie_lets_nobody_in(company: Tenancy, issuer: Issuer) -> None:
    assert go(company, issuer, state="other")[1].status_code == 401
    assert go(company, issuer, code="")[1].status_code == 401
    fresh = TestClient(company.world.http.app, headers=HTML, follow_redirects=False)
    assert fresh.get("/login/oidc/callback", params={"code": "c", "state": "s"}).status_code == 401
    issuer.signs = FOREIGN
    assert go(company, issuer)[1].status_code == 401


def test_it_is_off_by_default(tenancy: Tenancy) -> None:
    browser = TestClient(tenancy.world.http.app, headers=HTML, follow_redirects=False)
    assert browser.get("/login/oidc").status_code == 404
    assert "公司账号" not in browser.get("/login").text
