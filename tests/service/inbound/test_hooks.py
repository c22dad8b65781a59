"""What a hook answers: verified or not, readable or not, stored or not; and what stays out of sight."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import OperationalError

from service.database import writing
from service.inbound.adapters import ADAPTERS
from service.inbound.tables import Integration
from tests.service.conftest import Tenancy, World, make_world
from tests.service.inbound.sending import TEXT, outbound_message, sender, work_off


@pytest.fixture
def tenancy(world: World) -> Iterator[Tenancy]:
    world.inbound.intake.start()
    yield world.tenant()
    world.inbound.intake.stop()


def forged(request: dict) -> dict:
    """The same request with another body, or by another secret."""
    if "token=" in request["url"]:
        return {**request, "url": request["url"][:-1] + "~"}
    content = request["content"]
    return {**request, "content": content.replace("<Encrypt>", "<Encrypt>AAAA") if content.startswith("<") else content.replace("v1", "v2")}


@pytest.mark.parametrize("kind", ADAPTERS)
def test_what_is_not_verified_is_refused_and_not_stored(tenancy: Tenancy, kind: str) -> None:
    crm, http = sender(tenancy, kind), tenancy.world.http
    answer = http.request("POST", **forged(crm.request("e1")))
    assert (answer.status_code, answer.json()["detail"]) == (401, "mismatch")
    assert answer.json()["type"] == "/problems/not-verified"
    bare = http.post(f"/v1/hooks/{crm.id}", content=crm.request("e1")["content"])
    assert (bare.status_code, bare.json()["detail"]) == (401, "missing")
    if kind != "salesforce":
        old = crm.request("e1")
        tenancy.world.clock.step(minutes=6)
        assert http.request("POST", **old).json()["detail"] == "stale"
    other = sender(tenancy, kind)
    assert http.request("POST", **{**crm.request("e1"), "url": crm.request("e1")["url"].replace(crm.id, other.id)}).status_code == (
        401 if crm.secrets != other.secrets else 202
    )
    assert crm.events() == []


def test_the_echo_of_wecom(tenancy: Tenancy) -> None:
    crm = sender(tenancy, "wecom")
    answer = tenancy.world.http.get(crm.echo("616140317555161061"))
    assert (answer.status_code, answer.text) == (200, "616140317555161061")
    assert tenancy.world.http.get(crm.echo("1").replace("nonce=n", "nonce=m")).status_code == 401


def test_methods_and_unknown_integrations(tenancy: Tenancy) -> None:
    crm, http = sender(tenancy), tenancy.world.http
    answer = http.get(f"/v1/hooks/{crm.id}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    for name in ("in_" + "0" * 32, "x", "in_" + "0" * 31 + "%00", "..%2fnotes"):
        assert http.post(f"/v1/hooks/{name}", content=b"{}").status_code == 404
    tenancy.call("DELETE", f"/v1/integrations/{crm.id}")
    assert crm.post("e1").status_code == 404


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [("push", "{", 422), ("push", "[]", 422), ("push", '{"text": "x"}', 422), ("push", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 422),
     ("salesforce", outbound_message([]), 422), ("salesforce", "<a/>", 401)],
)  # fmt: skip
def test_what_cannot_be_read_is_told(tenancy: Tenancy, kind: str, content: str, status: int) -> None:
    crm = sender(tenancy, kind)
    request = crm.request("e1")
    if kind == "push":
        stamp = request["headers"]["X-Timestamp"]
        signature = hmac.new(crm.secrets["secrets"][0].encode(), f"{stamp}.{content}".encode(), hashlib.sha256).hexdigest()
        request["headers"] = {"X-Timestamp": stamp, "X-Signature": signature}
    answer = tenancy.world.http.request("POST", **{**request, "content": content})
    assert answer.status_code == status
    assert crm.events() == []


def test_a_body_above_the_hooks_own_limit(engine, thread) -> None:
    world = make_world(engine, thread, max_hook_bytes=2000)
    crm = sender(world.tenant())
    answer = world.http.request("POST", **crm.request("e1", "长" * 3000))
    assert answer.status_code == 413
    assert "2000" in answer.json()["detail"]
    assert world.http.post("/v1/analyses", json={"text": "长" * 3000, "draft": True}).status_code == 200


def test_a_database_that_is_gone_lets_the_crm_come_again(tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> None:
    crm = sender(tenancy)

    def gone(*_: object) -> None:
        raise OperationalError("", {}, Exception())

    with monkeypatch.context() as patched:
        patched.setattr("service.inbound.intake.insert", gone)
        answer = crm.post("e1")
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    assert crm.events() == []
    assert crm.post("e1").status_code == 202


def test_one_deleted_integration_does_not_fail_the_others_of_its_group(tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, gone = sender(tenancy), sender(tenancy)
    assert gone.post("e0").status_code == 202, "its secrets are known for a moment"
    with writing(tenancy.world.engine) as session:  # as another process would, which this one does not hear of
        session.delete(session.get_one(Integration, gone.id))
    intake = tenancy.world.inbound.intake
    intake.stop()
    answers: dict[str, int] = {}
    waiting = [threading.Thread(target=lambda s=s: answers.update({s.id: s.post("e1").status_code})) for s in (mine, gone)]
    for one in waiting:
        one.start()
    while intake._waiting.qsize() < 2:
        pass
    intake.start()
    for one in waiting:
        one.join()
    assert answers == {mine.id: 202, gone.id: 404}


def test_no_log_holds_text_secret_or_address_parameters(tenancy: Tenancy, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ADAPTERS:
        crm = sender(tenancy, kind)
        crm.post("e1")
        tenancy.world.http.request("POST", **forged(crm.request("e2")))
    work_off(tenancy)
    logged = "".join(capsys.readouterr())
    assert "hook not verified" in logged
    for kept in (TEXT, "王总", "token=", "msg_signature=", "whsec_", "a-client-secret"):
        assert kept not in logged
