"""Login, session, CSRF, logout: on both databases, by HTTP."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from service.accounts.keys import revoke_key
from service.database import writing
from service.sessions.pages import back_to
from tests.service.conftest import Tenancy, World, make_world

HTML = {"accept": "text/html"}


def visitor(world: World) -> TestClient:
    """A browser of its own cookies."""
    return TestClient(world.http.app, raise_server_exceptions=False, headers=HTML, follow_redirects=False)


def token_in(page: str) -> str:
    found = re.search(r'name="(?:token|csrf)" value="([^"]+)"', page)
    assert found
    return found[1]


def log_in(browser: TestClient, key: str, **fields: str):
    return browser.post("/login", data={"token": token_in(browser.get("/login").text), "key": key, **fields})


@pytest.mark.parametrize(("role", "home"), [("admin", "/customers"), ("trainer", "/customers"), ("rep", "/my")])
def test_a_key_is_exchanged_for_a_session(tenancy: Tenancy, role: str, home: str) -> None:
    browser = visitor(tenancy.world)
    answer = log_in(browser, tenancy.keys[role])
    assert (answer.status_code, answer.headers["location"]) == (303, home)
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("fupan_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert tenancy.keys[role] not in cookie
    assert browser.get("/login").headers["location"] == home


def test_the_cookie_is_for_https_alone_where_the_server_can_be_reached(engine, thread) -> None:
    world = make_world(engine, thread, host="0.0.0.0")
    tenancy = world.tenant()
    browser = TestClient(world.http.app, base_url="https://fupan.test", headers=HTML, follow_redirects=False)
    answer = log_in(browser, tenancy.keys["rep"])
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("__Host-fupan_session="))
    assert "; Secure" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize("key", ["", "fk_" + "a" * 43, "nonsense", "integration", "draft", "revoked"])
def test_every_failure_looks_the_same(tenancy: Tenancy, key: str) -> None:
    sent = tenancy.keys.get(key, key)
    if key == "revoked":
        sent = tenancy.keys["rep"]
        revoke(tenancy, sent)
    browser = visitor(tenancy.world)
    answer = log_in(browser, sent)
    assert answer.status_code == 401
    assert "登录没有成功" in answer.text
    assert not sent or sent not in answer.text
    assert "fupan_session" not in str(answer.headers)


def revoke(tenancy: Tenancy, key: str) -> None:
    listed = tenancy.call("GET", "/v1/keys").json()["keys"]
    key_id = next(k["id"] for k in listed if key.startswith(k["prefix"]))
    with writing(tenancy.world.engine) as session:
        revoke_key(session, tenancy.id, key_id, tenancy.world.clock())


def test_a_session_ends_with_its_key_with_its_time_and_by_logout(tenancy: Tenancy) -> None:
    world = tenancy.world

    def inside(browser: TestClient) -> bool:
        return browser.get("/login").status_code == 303

    first, second, third = (visitor(world) for _ in range(3))
    for browser, role in ((first, "rep"), (second, "trainer"), (third, "admin")):
        log_in(browser, tenancy.keys[role])
        assert inside(browser)
    revoke(tenancy, tenancy.keys["rep"])
    assert not inside(first)
    stolen = dict(third.cookies)
    page = third.get("/nowhere").text
    assert third.post("/logout", data={"csrf": token_in(page)}).status_code == 303
    assert not inside(third)
    third.cookies.update(stolen)  # the cookie is of no use after the logout
    assert not inside(third)
    assert inside(second)
    world.clock.step(hours=13)
    assert not inside(second)


def test_a_form_without_the_sessions_token_does_nothing(tenancy: Tenancy) -> None:
    browser, other = visitor(tenancy.world), visitor(tenancy.world)
    log_in(browser, tenancy.keys["admin"])
    log_in(other, tenancy.keys["admin"])
    foreign = token_in(other.get("/nowhere").text)
    for data in ({}, {"csrf": ""}, {"csrf": foreign}, {"csrf": "ü"}):
        assert browser.post("/logout", data=data).status_code == 403
    assert browser.get("/login").status_code == 303


def test_the_login_form_needs_its_cookie(tenancy: Tenancy) -> None:
    browser = visitor(tenancy.world)
    assert browser.post("/login", data={"key": tenancy.keys["rep"]}).status_code == 403
    browser.get("/login")
    assert browser.post("/login", data={"key": tenancy.keys["rep"], "token": "wrong"}).status_code == 403


def test_attempts_are_limited(engine, thread) -> None:
    world = make_world(engine, thread, logins_per_minute=3)
    browser = visitor(world)
    answers = [log_in(browser, "fk_" + "b" * 43) for _ in range(4)]
    assert [a.status_code for a in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    world.clock.step(seconds=61)
    assert log_in(browser, "fk_" + "b" * 43).status_code == 401


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/customers/x?from=2026-01-01", "/customers/x?from=2026-01-01"),
        ("/", "/"),
        ("//evil.test/", "/my"),
        ("/\\evil.test", "/my"),
        ("https://evil.test/", "/my"),
        ("/a\nb", "/my"),
        ("", "/my"),
        (None, "/my"),
    ],
)
def test_after_the_login_only_our_own_pages_open(given: object, expected: str) -> None:
    assert back_to(given, "rep") == expected


def test_a_page_calls_the_api_with_its_session_and_token_only(tenancy: Tenancy) -> None:
    browser = visitor(tenancy.world)
    log_in(browser, tenancy.keys["rep"])
    token = token_in(browser.get("/nowhere").text)
    note = {"text": "王总嫌贵，下周三再去"}
    assert browser.post("/v1/notes", json=note).status_code == 401
    assert browser.post("/v1/notes", json=note, headers={"x-csrf-token": "0" * 64}).status_code == 401
    assert browser.post("/v1/notes", json=note, headers={"x-csrf-token": token}).status_code == 201
    assert browser.get("/v1/keys", headers={"x-csrf-token": token}).status_code == 403
    assert browser.get("/v1/notes").status_code == 401


def test_the_note_page_sends_its_sessions_token_where_drafts_need_a_key(engine, thread) -> None:
    world = make_world(engine, thread, open_analyses="never")
    browser = visitor(world)
    assert browser.get("/").headers["location"] == "/login?next=/"
    log_in(browser, world.tenant().keys["rep"])
    token = re.search(r'<meta name="csrf-token" content="([^"]+)"', browser.get("/").text)[1]
    draft = {"text": "王总嫌贵", "draft": True}
    assert browser.post("/v1/analyses", json=draft).status_code == 401, "the cookie alone is what another site can send"
    assert browser.post("/v1/analyses", json=draft, headers={"X-CSRF-Token": token + "x"}).status_code == 401
    assert browser.post("/v1/analyses", json=draft, headers={"X-CSRF-Token": token}).status_code == 200
