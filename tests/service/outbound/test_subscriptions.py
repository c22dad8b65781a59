"""Subscriptions by API: made, shown, changed, rotated, tested; what is refused; who may."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.service.conftest import Tenancy
from tests.service.outbound.conftest import answer
from tests.service.outbound.house import NOTE, House, body_of, head_of, verified

OK = answer("200 OK")
ROBOTS = {
    "wecom": ("/cgi-bin/webhook/send?key=robotkey", None, b'{"errcode":0}'),
    "dingtalk": ("/robot/send?access_token=robotkey", "SECrobot", b'{"errcode":0}'),
    "feishu": ("/open-apis/bot/v2/hook/robotkey", "robotsecret", b'{"code":0}'),
}


def test_the_secret_is_shown_once(house: House) -> None:
    receiver = house.receiver(OK)
    made = house.subscribe(receiver, label="CRM", filters={"score_below": 40})
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made["secret"])
    shown = house.tenancy.call("GET", f"/v1/subscriptions/{made['id']}").json()
    assert shown == {k: v for k, v in made.items() if k != "secret"}
    assert (shown["url"], shown["label"], shown["state"]) == (f"http://127.0.0.1:{receiver.port}/hook", "CRM", "active")
    assert (shown["event_types"], shown["filters"]["score_below"], shown["include_text"]) == (["note.analyzed", "note.deleted"], 40, False)
    assert house.tenancy.call("GET", "/v1/subscriptions").json() == {"subscriptions": [shown], "next": None}


def test_what_is_changed_is_what_was_sent(house: House) -> None:
    receiver = house.receiver(OK)
    made = house.subscribe(receiver, label="CRM", filters={"score_below": 40})
    path = f"/v1/subscriptions/{made['id']}"
    changed = house.tenancy.call("PATCH", path, json={"include_text": True}).json()
    assert changed == {k: v for k, v in made.items() if k != "secret"} | {"include_text": True}
    assert house.tenancy.call("PATCH", path, json={"filters": {}, "event_types": ["note.deleted"]}).json()["filters"]["score_below"] is None
    other = house.receiver(OK)
    house.tenancy.call("PATCH", path, json={"url": f"http://127.0.0.1:{other.port}/", "event_types": ["note.analyzed"]})
    house.tenancy.store(NOTE)
    house.work()
    assert (len(receiver.requests), len(other.requests)) == (0, 1)


def test_two_secrets_sign_while_one_is_rotated(house: House) -> None:
    receiver = house.receiver(OK)
    made = house.subscribe(receiver)
    path = f"/v1/subscriptions/{made['id']}/secret"
    fresh = house.tenancy.call("POST", path, json={"overlap_hours": 2}).json()["secret"]
    house.tenancy.store(NOTE)
    house.work()
    for secret in (made["secret"], fresh):
        verified(secret, receiver.requests[0])
    house.clock.step(hours=2)
    house.tenancy.store(NOTE)
    house.work()
    verified(fresh, receiver.requests[1])
    with pytest.raises(AssertionError):
        verified(made["secret"], receiver.requests[1])
    last = house.tenancy.call("POST", path, json={"overlap_hours": 0}).json()["secret"]
    house.tenancy.store(NOTE)
    house.work()
    assert head_of(receiver.requests[2])["webhook-signature"].count("v1,") == 1
    verified(last, receiver.requests[2])
    for _ in range(5):
        house.tenancy.call("POST", path, json={})
    assert len(house.tenancy.call("GET", f"/v1/subscriptions/{made['id']}").json()["secrets"]) == 3


def test_a_test_event_is_sent_once_whatever_the_filters(house: House) -> None:
    receiver = house.receiver(answer("500 Oops"))
    made = house.subscribe(receiver, filters={"score_below": 1})
    sent = house.tenancy.call("POST", f"/v1/subscriptions/{made['id']}/test")
    assert (sent.status_code, sent.json()["state"]) == (202, "pending")
    house.work()
    assert verified(made["secret"], receiver.requests[0])["type"] == "webhook.test"
    shown = house.tenancy.call("GET", f"/v1/deliveries/{sent.json()['id']}").json()
    assert (shown["state"], shown["reason"]) == ("dead", "attempts_used_up")


def test_what_is_deleted_is_gone_with_its_deliveries(house: House) -> None:
    made = house.subscribe(house.receiver(OK))
    house.tenancy.store(NOTE)
    house.work()
    assert house.tenancy.call("DELETE", f"/v1/subscriptions/{made['id']}").status_code == 204
    assert house.listed() == []
    assert house.tenancy.call("GET", f"/v1/subscriptions/{made['id']}").status_code == 404


@pytest.mark.parametrize("kind", ROBOTS)
def test_a_robot_gets_a_card_for_a_low_score(house: House, kind: str) -> None:
    path, secret, body = ROBOTS[kind]
    receiver = house.receiver(answer("200 OK", "Content-Type: application/json\r\n", body))
    fields = {"kind": kind, "secret": secret, "filters": {"score_below": 100}, "note_url": "https://crm.example/v/{crm_id}?n={note_id}"}
    made = house.subscribe(receiver, path=path, **fields)
    assert (made["secret"], made["event_types"], "robotkey" in str(made)) == (None, ["note.analyzed"], False)
    note = house.tenancy.store(NOTE, crm_id="访 1/2", rep_external_id="crm-1", customer="城北恒达五金")
    house.work()
    assert house.listed()[0]["state"] == "delivered", house.attempts(house.listed()[0]["id"])
    card = str(body_of(receiver.requests[0]))
    for part in (
        "销售1",
        "城北恒达五金",
        f"{note['analysis']['result']['quality']['score']} 分",
        f"https://crm.example/v/%E8%AE%BF%201%2F2?n={note['id']}",
    ):
        assert part in card
    house.tenancy.call("POST", f"/v1/subscriptions/{made['id']}/test")
    house.work()
    assert "测试消息" in str(body_of(receiver.requests[1]))


def test_a_robots_refusal_inside_a_200_counts(house: House) -> None:
    receiver = house.receiver(answer("200 OK", "", b'{"errcode":93000,"errmsg":"invalid webhook url"}'))
    made = house.subscribe(receiver, kind="wecom", path=ROBOTS["wecom"][0])
    house.tenancy.store(NOTE)
    house.work()
    assert house.tenancy.call("GET", f"/v1/subscriptions/{made['id']}").json()["reason"] == "robot_gone"
    assert [(a["status"], a["failure"], a["code"]) for a in house.attempts(house.listed()[0]["id"])] == [(200, "robot_gone", 93000)]


def test_a_robot_gets_no_more_than_its_pace(house: House) -> None:
    receiver = house.receiver(answer("200 OK", "", b'{"errcode":0}'))
    house.subscribe(receiver, kind="wecom", path=ROBOTS["wecom"][0])
    for _ in range(25):
        house.tenancy.store("王总签了")
    assert house.work() == 20
    house.clock.step(seconds=59)
    assert house.work() == 0
    house.clock.step(seconds=1)
    assert house.work() == 5


FAULTS = [
    ({"url": "https://no-such-host.invalid/"}, "url"),
    ({"url": "http://127.0.0.1:1/"}, "url"),
    ({"url": "https://169.254.169.254/latest"}, "url"),
    ({"url": ""}, "url"),
    ({"url": "https://example.com/\x00"}, "url"),
    ({"url": "https://10.0.0.1/", "kind": "wecom"}, "url"),
    ({"url": "https://10.0.0.1/robot/send?access_token=x", "kind": "dingtalk", "secret": "abc"}, "secret"),
    ({"url": "https://10.0.0.1/", "secret": "mine"}, "secret"),
    ({"url": "https://10.0.0.1/", "kind": "slack"}, "kind"),
    ({"url": "https://10.0.0.1/", "event_types": []}, "event_types"),
    ({"url": "https://10.0.0.1/", "event_types": ["webhook.test"]}, "event_types.0"),
    ({"url": "https://10.0.0.1/cgi-bin/webhook/send?key=x", "kind": "wecom", "event_types": ["note.deleted"]}, "event_types"),
    ({"url": "https://10.0.0.1/cgi-bin/webhook/send?key=x", "kind": "wecom", "include_text": True}, "include_text"),
    ({"url": "https://10.0.0.1/", "filters": {"score_below": 101}}, "filters.score_below"),
    ({"url": "https://10.0.0.1/", "note_url": "javascript:alert(1)"}, "note_url"),
    ({"url": "https://10.0.0.1/", "note_url": "https://[/{crm_id}"}, "note_url"),
    ({"url": "https://10.0.0.1/", "colour": 1}, "colour"),
]
"""A request's fields, and the one that is named."""


def test_a_field_at_fault_is_named(tenancy: Tenancy) -> None:
    for fields, field in FAULTS:
        answered = tenancy.call("POST", "/v1/subscriptions", json=fields)
        assert (answered.status_code, [e["field"] for e in answered.json()["errors"]]) == (422, [field]), (fields, answered.text)
    assert tenancy.call("GET", "/v1/subscriptions").json()["subscriptions"] == []


def test_a_company_has_so_many_at_most(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.outbound.store.MAX_SUBSCRIPTIONS", 1)
    receiver = house.receiver(OK)
    house.subscribe(receiver)
    again = house.tenancy.call("POST", "/v1/subscriptions", json={"url": f"http://127.0.0.1:{receiver.port}/"})
    assert again.status_code == 422


def test_lists_come_in_pages(house: House) -> None:
    receiver = house.receiver(OK)
    ids = []
    for _ in range(5):
        house.clock.step(seconds=1)
        ids.append(house.subscribe(receiver)["id"])
    house.tenancy.store(NOTE)
    for path, name, order in (("/v1/subscriptions", "subscriptions", 1), ("/v1/deliveries", "deliveries", -1)):
        seen, cursor = [], None
        while True:
            page = house.tenancy.call("GET", path, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
            seen += [entry["id"] for entry in page[name]]
            cursor = page["next"]
            if cursor is None:
                break
        assert (len(set(seen)), seen[::order]) == (5, sorted(seen))
    assert [d["subscription_id"] for d in house.listed(subscription=ids[3])] == [ids[3]]
    assert house.listed(state="dead") == []


def _routes(made: dict, delivery: dict, url: str) -> list[tuple[str, str, object, bool]]:
    """Method, address, body, whether it names a thing of the tenant."""
    one, sent = f"/v1/subscriptions/{made['id']}", f"/v1/deliveries/{delivery['id']}"
    return [
        ("POST", "/v1/subscriptions", {"url": url}, False),
        ("GET", "/v1/subscriptions", None, False),
        ("GET", one, None, True),
        ("PATCH", one, {"label": "mine"}, True),
        ("DELETE", one, None, True),
        ("POST", f"{one}/secret", {}, True),
        ("POST", f"{one}/pause", None, True),
        ("POST", f"{one}/resume", None, True),
        ("POST", f"{one}/test", None, True),
        ("POST", f"{one}/replay", {"since": "2026-01-01T00:00:00Z"}, True),
        ("GET", "/v1/deliveries", None, False),
        ("GET", f"/v1/deliveries?subscription={made['id']}", None, True),
        ("GET", sent, None, True),
        ("GET", f"{sent}/attempts", None, True),
        ("POST", f"{sent}/replay", None, True),
    ]


@pytest.fixture
def attacked(house: House) -> Callable[[], list]:
    """Routes about an admin's subscription with a delivery in it, and what the admin sees of both."""
    receiver = house.receiver(OK)
    made = house.subscribe(receiver, label="绝密")
    house.tenancy.store(NOTE)
    house.work()
    url = f"http://127.0.0.1:{receiver.port}/"
    routes = _routes(made, house.listed()[0], url)
    return routes, lambda: (house.tenancy.call("GET", f"/v1/subscriptions/{made['id']}").json(), house.listed(subscription=made["id"]))


def test_no_wrong_key_gets_anywhere(house: House, attacked) -> None:
    routes, state = attacked
    before, other, http = state(), house.tenancy.world.tenant(), house.tenancy.world.http
    for method, path, body, named in routes:
        assert http.request(method, path, json=body).status_code == 401
        for role in ("trainer", "rep", "draft"):
            assert house.tenancy.call(method, path, role, json=body).status_code == 403, (method, path, role)
        strangers = [other.call(method, path, role, json=body) for role in ("admin", "integration")]
        for answered in (*strangers, house.tenancy.call(method, path, "integration", json=body)):
            assert answered.status_code == 404 if named else answered.status_code < 300, (method, path)
            assert "绝密" not in answered.text
    assert state() == before


def test_an_integration_manages_what_it_made(house: House) -> None:
    receiver = house.receiver(OK)
    made = house.subscribe(receiver, "integration")
    house.tenancy.store(NOTE, "integration")
    house.work()
    routes = _routes(made, house.listed()[0], f"http://127.0.0.1:{receiver.port}/")
    for method, path, body, _ in sorted(routes, key=lambda r: r[0] == "DELETE"):
        assert house.tenancy.call(method, path, "integration", json=body).status_code < 300, (method, path)
