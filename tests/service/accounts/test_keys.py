"""Making, listing, using and revoking keys; teams and people; rates."""

from __future__ import annotations

import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from service.accounts.demo import demo_key
from service.accounts.keys import find_principal
from service.accounts.rates import RateLimit
from service.accounts.tables import ApiKey
from service.database import migrate, open_engine, reading
from tests.service.conftest import Tenancy, World, make_world


def test_a_key_is_shown_once_and_stored_as_its_hash(tenancy: Tenancy) -> None:
    made = tenancy.call("POST", "/v1/keys", json={"role": "trainer", "team_ids": tenancy.teams, "label": "带教"})
    body = made.json()
    key = body["key"]
    assert made.status_code == 201
    assert len(key) == 46
    assert body["prefix"] == key[:9]
    listed = tenancy.call("GET", "/v1/keys")
    assert key not in listed.text
    assert {k: v for k, v in body.items() if k != "key"} in listed.json()["keys"]
    with reading(tenancy.world.engine) as session:
        row = session.scalars(select(ApiKey).where(ApiKey.id == body["id"])).one()
        assert row.sha256 == hashlib.sha256(key.encode()).hexdigest()
        dump = str([dict(r) for r in session.execute(text("SELECT * FROM api_keys")).mappings()])
    assert key not in dump


def test_a_principal_knows_its_scope(tenancy: Tenancy) -> None:
    find = {role: find_principal(tenancy.world.engine, key, tenancy.world.clock()) for role, key in tenancy.keys.items()}
    assert {role: p.role for role, p in find.items()} == {role: role for role in find}
    assert {p.tenant_id for p in find.values()} == {tenancy.id}
    assert find["trainer"].team_ids == frozenset(tenancy.teams[:1])
    assert find["rep"].person_id == tenancy.reps[0]
    assert find["integration"].integration_id == find["integration"].key_id


def test_last_use_is_noted_once_a_minute(tenancy: Tenancy) -> None:
    def last_use() -> str:
        rows = tenancy.call("GET", "/v1/keys").json()["keys"]
        return next(r["last_used"] for r in rows if r["role"] == "draft")

    clock = tenancy.world.clock
    assert last_use() is None
    tenancy.call("POST", "/v1/analyses", "draft", json={"text": "王总嫌贵"})
    first = last_use()
    clock.step(seconds=59)
    tenancy.call("POST", "/v1/analyses", "draft", json={"text": "王总嫌贵"})
    assert last_use() == first
    clock.step(seconds=1)
    tenancy.call("POST", "/v1/analyses", "draft", json={"text": "王总嫌贵"})
    assert last_use() > first


def test_a_revoked_key_is_dead_at_once(tenancy: Tenancy) -> None:
    body = tenancy.call("POST", "/v1/keys", json={"role": "admin"}).json()
    headers = {"authorization": f"Bearer {body['key']}"}
    assert tenancy.world.http.get("/v1/teams", headers=headers).status_code == 200
    revoked = tenancy.call("DELETE", f"/v1/keys/{body['id']}").json()["revoked_at"]
    assert revoked
    assert tenancy.world.http.get("/v1/teams", headers=headers).status_code == 401
    tenancy.world.clock.step(hours=1)
    assert tenancy.call("DELETE", f"/v1/keys/{body['id']}").json()["revoked_at"] == revoked
    assert tenancy.call("DELETE", "/v1/keys/ky_" + "0" * 32).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "trainer"}, "team_ids"),
        ({"role": "rep"}, "person_id"),
        ({"role": "admin", "team_ids": ["tm_" + "0" * 32]}, "team_ids"),
        ({"role": "trainer", "team_ids": ["tm_" + "0" * 32]}, "team_ids"),
        ({"role": "rep", "person_id": "pe_" + "0" * 32}, "person_id"),
        ({"role": "draft", "integration_id": "ky_" + "0" * 32}, "integration_id"),
        ({"role": "owner"}, "role"),
        ({"role": "admin", "label": "a\x00"}, "label"),
        ({"role": "admin", "tenant_id": "tn_1"}, "tenant_id"),
    ],
)
def test_a_scope_that_does_not_fit_is_named(tenancy: Tenancy, body: dict, field: str) -> None:
    answer = tenancy.call("POST", "/v1/keys", json=body)
    assert answer.status_code == 422
    assert field in [e["field"] for e in answer.json()["errors"]]


def test_teams_and_people(tenancy: Tenancy) -> None:
    assert tenancy.call("POST", "/v1/teams", json={"name": "一组"}).status_code == 409
    team = tenancy.call("POST", "/v1/teams", json={"name": " 三组 "}).json()
    assert team["name"] == "三组"
    assert tenancy.call("PATCH", f"/v1/teams/{team['id']}", json={"name": "一组"}).status_code == 409
    assert tenancy.call("PATCH", f"/v1/teams/{team['id']}", json={"name": "四组"}).json()["name"] == "四组"
    taken = tenancy.call("POST", "/v1/people", json={"name": "甲", "role": "rep", "external_id": "crm-1"})
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "external_id")
    person = tenancy.call(
        "POST", "/v1/people", json={"name": "甲", "role": "trainer", "team_id": team["id"], "external_id": "crm-9"}
    ).json()
    changed = tenancy.call("PATCH", f"/v1/people/{person['id']}", json={"team_id": None}).json()
    assert (changed["team_id"], changed["name"], changed["external_id"]) == (None, "甲", "crm-9")
    assert tenancy.call("PATCH", f"/v1/people/{person['id']}", json={"external_id": "crm-1"}).status_code == 409
    assert tenancy.call("PATCH", f"/v1/people/{person['id']}", json={"name": None}).status_code == 422
    assert [t["id"] for t in tenancy.call("GET", "/v1/teams", "trainer").json()["teams"]] == tenancy.teams[:1]
    assert [p["id"] for p in tenancy.call("GET", "/v1/people", "trainer").json()["people"]] == tenancy.reps[:1]


def test_pages_of_people(tenancy: Tenancy) -> None:
    for i in range(5):
        tenancy.world.clock.step(seconds=1)
        tenancy.call("POST", "/v1/people", json={"name": f"人{i}", "role": "rep"})
    seen, cursor = [], None
    while True:
        page = tenancy.call("GET", "/v1/people", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [p["id"] for p in page["people"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    assert tenancy.call("GET", "/v1/people", params={"cursor": "x' OR 1=1"}).status_code == 422


def test_above_its_rate_a_key_waits_and_others_do_not(engine, thread) -> None:
    world: World = make_world(engine, thread, requests_per_minute=60, request_burst=3)
    tenancy = world.tenant()
    for _ in range(3):
        assert tenancy.call("GET", "/v1/teams").status_code == 200
    refused = tenancy.call("GET", "/v1/teams")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"
    assert tenancy.call("POST", "/v1/notes", content=b"{").status_code == 429
    assert tenancy.call("GET", "/v1/notes", "rep").status_code == 200
    world.clock.step(seconds=1)
    assert tenancy.call("GET", "/v1/teams").status_code == 200


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 600), st.integers(1, 20))
def test_no_key_gets_more_than_its_rate_and_waiting_helps(steps: list[float], per_minute: int, burst: int) -> None:
    now = 0.0
    rate, allowed = RateLimit(per_minute, burst, lambda: now), 0
    for step in steps:
        now += step
        wait = rate.take("k")
        allowed += wait == 0
        if wait:
            now += math.ceil(wait)
            assert rate.take("k") == 0
            allowed += 1
    assert allowed <= burst + now * per_minute / 60 + 1e-6


def test_the_demo_key_is_made_on_an_empty_database_only(tmp_path, tenancy: Tenancy) -> None:
    empty = open_engine(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    migrate(empty)
    now = tenancy.world.clock()
    key = demo_key(empty, now)
    assert find_principal(empty, key, now).role == "admin"
    assert demo_key(empty, now) is None
    assert demo_key(tenancy.world.engine, now) is None
