"""Every route with every wrong key: 401, 403 or 404, never data. A route without an entry here fails the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from models.labels import WEIGHTS
from service.inbound.events import insert, rows_of
from service.inbound.hook import RawEvent
from service.routing import every_route
from tests.service.accounts.route_table import ALL, HOOKS, LISTS, MARK, OPEN, PAGES, READERS, REFUSED, TABLE, Entry
from tests.service.conftest import Tenancy, World


@pytest.fixture
def closed(engine, thread) -> World:
    from tests.service.conftest import make_world

    return make_world(engine, thread, open_analyses="never", delivery_allow="127.0.0.1:9")


@dataclass
class Attacked:
    """A tenant with things to find, and their ids."""

    tenancy: Tenancy
    ids: dict[str, str]

    def address(self, path: str, entry: Entry) -> str:
        return path.format(**self.ids) + entry.query

    def request(self, method: str, path: str, entry: Entry, key: str | None, world: World):
        headers = {} if key is None else {"authorization": key if " " in key else f"Bearer {key}"}
        body = {k: v.format(**self.ids) if isinstance(v, str) else v for k, v in entry.body.items()} if entry.body else None
        return world.http.request(method, self.address(path, entry), headers=headers, json=body)


@pytest.fixture
def attacked(closed: World) -> Attacked:
    made = closed.tenant()
    note = made.store(MARK, "integration", rep_id=made.reps[0], customer=MARK, customer_id=MARK)
    team = made.call("POST", "/v1/teams", json={"name": MARK}).json()
    person = made.call("POST", "/v1/people", json={"name": MARK, "role": "rep", "team_id": made.teams[0]}).json()
    key = made.call("POST", "/v1/keys", json={"role": "draft", "label": MARK}).json()
    integration = made.call("POST", "/v1/integrations", json={"kind": "standard", "label": MARK}).json()
    subscription = made.call("POST", "/v1/subscriptions", json={"url": "http://127.0.0.1:9/hook", "label": MARK}).json()
    delivery = made.call("POST", f"/v1/subscriptions/{subscription['id']}/test").json()
    objection = {"score": {"reason": MARK}}
    (appeal,) = made.call("POST", f"/v1/notes/{note['id']}/appeals", "integration", json=objection).json()["appeals"]
    assert made.call("POST", f"/v1/notes/{note['id']}/corrections", json={"revision": 1, "complete": True}).status_code == 200
    for remark in ("", MARK):  # the second: a tenant that makes one of its own has no such version
        rubric = made.call("POST", "/v1/rubrics", json={"weights": {**WEIGHTS, "kp": 16, "need": 10}, "remark": remark}).json()
    with closed.engine.begin() as connection:
        receiver = closed.inbound.receivers.read(integration["id"])
        rows = rows_of(receiver, [RawEvent("e-1", {"text": MARK})], closed.clock())
        insert(connection, rows)
    return Attacked(
        made,
        {
            "note_id": note["id"],
            "customer": MARK,
            "team_id": team["id"],
            "person_id": person["id"],
            "key_id": key["id"],
            "integration_id": integration["id"],
            "event_id": rows[0]["id"],
            "subscription_id": subscription["id"],
            "delivery_id": delivery["id"],
            "appeal_id": appeal["id"],
            "version": rubric["version"],
        },
    )


def state(attacked: Attacked) -> list[Any]:
    """What the tenant holds, as its admin sees it."""
    events = f"/v1/integrations/{attacked.ids['integration_id']}/events"
    listed = [attacked.tenancy.call("GET", path).json() for path in (*LISTS, events)]
    keys = attacked.tenancy.call("GET", "/v1/keys").json()["keys"]
    return [*listed, [{k: v for k, v in row.items() if k != "last_used"} for row in keys]]


def test_every_route_has_an_entry(world: World) -> None:
    assert {(method, route.path_format) for route in every_route(world.http.app) for method in route.methods} == set(
        TABLE
    ) | HOOKS | OPEN | PAGES | REFUSED


def test_every_page_sends_to_the_login(attacked: Attacked, closed: World) -> None:
    before = state(attacked)
    for method, path in PAGES:
        for key in (None, attacked.tenancy.keys["admin"]):
            headers = {"accept": "text/html"} | ({} if key is None else {"authorization": f"Bearer {key}"})
            answer = closed.http.request(
                method,
                path.format(**{**attacked.ids, "version": 1}, import_id="im_1", name="scores"),
                headers=headers,
                follow_redirects=False,
            )
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login"), (method, path)
    assert state(attacked) == before


def test_no_wrong_key_gets_anywhere(attacked: Attacked, closed: World) -> None:
    revoked = attacked.tenancy.call("POST", "/v1/keys", json={"role": "admin"}).json()
    attacked.tenancy.call("DELETE", f"/v1/keys/{revoked['id']}")
    right = attacked.tenancy.keys["admin"]
    wrong = {
        "malformed": "fk_short",
        "unknown": right[:-4] + "AAAA",
        "revoked": revoked["key"],
        "empty": "Bearer ",
        "other scheme": f"Basic {right}",
        "its hash": "fk_" + "0" * 43,
        "two": f"Bearer {right} {right}",
        "nul": f"Bearer {right}\x00",
    }
    before = state(attacked)
    for (method, path), entry in TABLE.items():
        for name, key in (*wrong.items(), ("none", None)):
            if key is None and path == "/v1/model":
                continue
            answer = attacked.request(method, path, entry, key, closed)
            assert (answer.status_code, name) == (401, name), path
            assert answer.headers["www-authenticate"] == "Bearer"
            assert MARK not in answer.text
    assert state(attacked) == before


def test_no_wrong_role_gets_anywhere(attacked: Attacked, closed: World) -> None:
    before = state(attacked)
    for (method, path), entry in TABLE.items():
        for role in ALL - entry.roles:
            answer = attacked.request(method, path, entry, attacked.tenancy.keys[role], closed)
            assert answer.status_code == 403, (method, path, role)
            assert MARK not in answer.text
    assert state(attacked) == before


def test_no_other_tenant_gets_anywhere(attacked: Attacked, closed: World) -> None:
    before = state(attacked)
    other = closed.tenant()
    for (method, path), entry in TABLE.items():
        for role in entry.roles:
            answer = attacked.request(method, path, entry, other.keys[role], closed)
            assert answer.status_code == 404 if entry.named else answer.status_code < 300, (method, path, role)
            assert MARK not in answer.text
            assert not any(i in answer.text for i in attacked.ids.values() if isinstance(i, str))
    assert state(attacked) == before


def test_no_other_team_rep_or_integration_gets_anywhere(attacked: Attacked, closed: World) -> None:
    before, mine = state(attacked), attacked.tenancy
    strangers = {
        "trainer": closed.key(mine.id, "trainer", team_ids=mine.teams[1:]),
        "rep": closed.key(mine.id, "rep", person_id=mine.reps[1]),
        "integration": closed.key(mine.id, "integration"),
    }
    added = [mine.call("GET", "/v1/keys").json()["keys"]]
    for (method, path), entry in TABLE.items():
        for role in entry.roles & strangers.keys():
            if entry.shared or (method != "GET" and not entry.named):
                continue  # what is the whole tenant's; storing one's own note is what these keys are for
            answer = attacked.request(method, path, entry, strangers[role], closed)
            assert answer.status_code == 404 if entry.named else answer.status_code == 200, (method, path, role)
            assert MARK not in answer.text
    for path in ("/v1/notes", "/v1/exports/notes"):
        answer = closed.http.get(path, params={"team": mine.teams[0]}, headers={"authorization": f"Bearer {strangers['trainer']}"})
        assert (answer.status_code, MARK in answer.text) == (404, False)
    assert len(added[0]) == len(before[-1]) + 3
    assert state(attacked)[:-1] == before[:-1]


@pytest.mark.parametrize(("named", "field"), [("team_id", "team_id"), ("rep_id", "person_id")])
def test_another_tenants_ids_cannot_be_named(attacked: Attacked, closed: World, named: str, field: str) -> None:
    other = closed.tenant()
    for role in ("admin", "integration"):
        assert other.call("POST", "/v1/notes", role, json={"text": "王总嫌贵", named: attacked.ids[field]}).status_code == 422
    body = (
        {"role": "trainer", "team_ids": [attacked.ids["team_id"]]}
        if field == "team_id"
        else {"role": "rep", "person_id": attacked.ids[field]}
    )
    assert other.call("POST", "/v1/keys", json=body).status_code == 422
    assert other.call("POST", "/v1/people", json={"name": "x", "role": "rep", "team_id": attacked.ids["team_id"]}).status_code == 422


def test_a_right_key_reaches_what_it_may(attacked: Attacked) -> None:
    path = f"/v1/notes/{attacked.ids['note_id']}"
    for role in READERS:
        assert attacked.tenancy.call("GET", path, role).json()["text"] == MARK
        assert len(attacked.tenancy.call("GET", "/v1/notes", role).json()["notes"]) == 1


def test_a_hook_takes_what_is_signed_alone(attacked: Attacked, closed: World) -> None:
    before, hook = state(attacked), f"/v1/hooks/{attacked.ids['integration_id']}"
    for headers in ({}, {"authorization": f"Bearer {attacked.tenancy.keys['admin']}"}):
        answer = closed.http.post(hook, json={"text": MARK}, headers=headers)
        assert (answer.status_code, MARK in answer.text) == (401, False)
    assert closed.http.get(hook).status_code == 405
    for name in ("in_" + "0" * 32, "in_1", attacked.ids["note_id"]):
        assert closed.http.post(f"/v1/hooks/{name}", json={}).status_code == 404
    assert state(attacked) == before


def test_who_has_no_key_is_turned_away_before_the_body_is_read(closed: World) -> None:
    assert closed.http.post("/v1/notes", content=b"{").status_code == 401
    assert closed.http.get("/v1/nothing").status_code == 401
    assert closed.http.get("/v1/notes/batch").status_code == 401


def test_an_address_tells_all_its_methods(tenancy: Tenancy) -> None:
    for path, allowed in (("/v1/teams", "GET, POST"), ("/v1/notes/batch", "POST"), ("/v1/notes/nt_" + "0" * 32, "DELETE, GET")):
        answer = tenancy.call("PUT", path) if path != "/v1/notes/batch" else tenancy.call("GET", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("host", "setting", "status"),
    [("127.0.0.1", "auto", 200), ("::1", "auto", 200), ("localhost", "auto", 200), ("0.0.0.0", "auto", 401), ("10.0.0.5", "auto", 401), ("crm.internal", "auto", 401), ("127.0.0.1", "never", 401), ("0.0.0.0", "always", 200)],
)  # fmt: skip
def test_whether_drafts_need_a_key(engine, thread, host: str, setting: str, status: int) -> None:
    from tests.service.conftest import make_world

    world = make_world(engine, thread, host=host, open_analyses=setting)
    assert world.http.post("/v1/analyses", json={"text": "王总嫌贵", "draft": True}).status_code == status
    assert world.tenant().call("POST", "/v1/analyses", "draft", json={"text": "王总嫌贵"}).status_code == 200
    wrong = {"authorization": "Bearer fk_wrong"}
    assert world.http.post("/v1/analyses", json={"text": "王总嫌贵"}, headers=wrong).status_code == 401
