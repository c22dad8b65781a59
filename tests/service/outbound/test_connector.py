"""The guarded connection against real receivers on loopback, and against URLs and names that must not get through."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.outbound.addresses import AllowList, is_host, parse_allow_list
from service.outbound.connector import MAX_ANSWER_BYTES, Connector, RefusedError, Timeouts, parse_target, permitted, trust
from tests.service.outbound.conftest import Authority, Receiver, answer

Receive = Callable[..., Receiver]
CONTEXT = trust()
QUICK = Timeouts(connect=0.5, read=0.3, total=0.6)


def connector(
    port: int, resolve: Callable[[str, int], Sequence[str]] = lambda host, port: ["127.0.0.1"], timeouts: Timeouts = QUICK
) -> Connector:
    return Connector(parse_allow_list(f"127.0.0.1:{port}"), timeouts, CONTEXT, resolve)


def test_a_delivery_arrives_as_it_was_sent(receive: Receive) -> None:
    receiver = receive(answer("200 OK", body=b"ok"))
    outcome = connector(receiver.port).post(f"http://crm.corp.test:{receiver.port}/in?key=1", {"webhook-id": "dl_1"}, "客户".encode())
    assert (outcome.status, outcome.failure, outcome.body) == (200, None, b"ok")
    assert 0 < outcome.seconds < 0.6
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"post /in?key=1 http/1.1"
    assert b"webhook-id: dl_1" in lines
    assert f"host: crm.corp.test:{receiver.port}".encode() in lines
    assert sum(line.startswith(b"host:") for line in lines) == 1
    assert body == "客户".encode()


@pytest.mark.parametrize(
    ("status", "headers", "retry_after"),
    [
        ("204 No Content", "", None),
        ("410 Gone", "", None),
        ("429 Too Many Requests", "Retry-After: 120\r\n", "120"),
        ("500 Internal Server Error", "", None),
        ("503 Service Unavailable", "retry-after: Fri, 27 Nov 2026 10:00:00 GMT\r\n", "Fri, 27 Nov 2026 10:00:00 GMT"),
    ],
)
def test_statuses_are_handed_on(receive: Receive, status: str, headers: str, retry_after: str | None) -> None:
    receiver = receive(answer(status, headers))
    outcome = connector(receiver.port).post(f"http://127.0.0.1:{receiver.port}/", {}, b"{}")
    assert (outcome.status, outcome.failure, outcome.retry_after) == (int(status[:3]), None, retry_after)


@pytest.mark.parametrize("code", ["301", "302", "303", "307", "308"])
def test_redirects_are_not_followed(receive: Receive, code: str) -> None:
    elsewhere = receive(answer("200 OK"))
    receiver = receive(answer(f"{code} Moved", f"Location: http://127.0.0.1:{elsewhere.port}/\r\n"))
    outcome = connector(receiver.port).post(f"http://127.0.0.1:{receiver.port}/", {}, b"{}")
    assert outcome.status == int(code)
    assert elsewhere.requests == []


def _silent(_: socket.socket, over: threading.Event) -> None:
    over.wait(5)


def _half_body(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def _trickle(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not over.wait(0.05):
        connection.sendall(b".")


def _trickling_head(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not over.wait(0.05):
        connection.sendall(b".")


def _endless_head(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.is_set():
        connection.sendall(b"X: " + b"y" * 1000 + b"\r\n")


def _no_http(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"220 mail.corp.test ESMTP\r\n")


def _hang_up(connection: socket.socket, _: threading.Event) -> None:
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("behave", "failure"),
    [
        (_silent, "timeout"),
        (_half_body, "broken_answer"),
        (_trickle, "timeout"),
        (_trickling_head, "timeout"),
        (_endless_head, "broken_answer"),
        (_no_http, "broken_answer"),
        (_hang_up, "broken_answer"),
    ],
)
def test_bad_receivers_are_failures_in_time(
    receive: Receive, behave: Callable[[socket.socket, threading.Event], None], failure: str
) -> None:
    receiver = receive(behave)
    begin = time.monotonic()
    outcome = connector(receiver.port).post(f"http://127.0.0.1:{receiver.port}/", {}, b"{}")
    assert (outcome.status, outcome.failure) == (None, failure)
    assert time.monotonic() - begin < 3
    assert len(receiver.requests) == 1


def test_an_endless_body_is_cut_at_64_kb(receive: Receive) -> None:
    def endless(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")

    receiver = receive(endless)
    outcome = connector(receiver.port, timeouts=Timeouts()).post(f"http://127.0.0.1:{receiver.port}/", {}, b"{}")
    assert (outcome.status, outcome.failure, len(outcome.body)) == (200, None, MAX_ANSWER_BYTES)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    assert connector(port).post(f"http://127.0.0.1:{port}/", {}, b"{}").failure == "connect_failed"


def test_the_next_address_is_tried(receive: Receive) -> None:
    receiver = receive(answer("200 OK"))
    listed = Connector(parse_allow_list(f"127.0.0.0/8:{receiver.port}"), QUICK, CONTEXT, lambda *_: ["127.0.0.9", "127.0.0.1"])
    assert listed.post(f"http://crm.corp.test:{receiver.port}/", {}, b"{}").status == 200


def test_proxies_of_the_environment_are_not_used(receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, proxy = receive(answer("200 OK")), receive(answer("200 OK"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert connector(receiver.port).post(f"http://crm.corp.test:{receiver.port}/", {}, b"{}").status == 200
    assert proxy.requests == []


def test_a_name_that_answers_otherwise_later_gains_nothing(receive: Receive) -> None:
    receiver = receive(answer("200 OK"))
    answers = iter([["1.2.3.4"], ["127.0.0.1"]])
    guarded = Connector(AllowList(), QUICK, CONTEXT, lambda *_: next(answers))
    assert guarded.check_url("https://rebind.test/in").host == "rebind.test"
    outcome = guarded.post("https://rebind.test/in", {}, b"{}")
    assert outcome.failure == "address_refused"
    assert receiver.requests == []


def test_a_post_looks_the_name_up_once_and_goes_to_the_checked_address(receive: Receive) -> None:
    receiver = receive(answer("200 OK"))
    lookups: list[str] = []

    def resolve(host: str, _: int) -> list[str]:
        lookups.append(host)
        return ["10.0.0.1", "127.0.0.1"] if len(lookups) == 1 else ["10.0.0.1"]

    assert connector(receiver.port, resolve).post(f"http://crm.corp.test:{receiver.port}/", {}, b"{}").status == 200
    assert lookups == ["crm.corp.test"]


def test_tls_checks_the_name_and_the_authority(receive: Receive, authority: Authority) -> None:
    receiver = receive(answer("200 OK"), authority.server_context())
    url, names = f"https://%s:{receiver.port}/in", ["crm.corp.test", "other.corp.test"]
    allowed = parse_allow_list(f"127.0.0.1:{receiver.port}")
    trusting = Connector(allowed, Timeouts(), trust(authority.ca_file), lambda *_: ["127.0.0.1"])
    assert trusting.post(url % names[0], {}, b"{}").status == 200
    assert receiver.names == ["crm.corp.test"]
    assert trusting.post(url % "127.0.0.1", {}, b"{}").status == 200
    assert trusting.post(url % names[1], {}, b"{}").failure == "tls_failed"
    stranger = Connector(allowed, Timeouts(), CONTEXT, lambda *_: ["127.0.0.1"])
    assert stranger.post(url % names[0], {}, b"{}").failure == "tls_failed"
    assert len(receiver.requests) == 2


def test_plain_http_spoken_to_by_tls_fails(receive: Receive) -> None:
    receiver = receive(answer("200 OK"))
    outcome = connector(receiver.port, timeouts=QUICK).post(f"https://127.0.0.1:{receiver.port}/", {}, b"{}")
    assert outcome.failure in ("tls_failed", "timeout")
    assert not any(b"POST" in request for request in receiver.requests)


def no_lookup(host: str, port: int) -> Sequence[str]:
    raise AssertionError("a URL of bad form must not be looked up")


@pytest.mark.parametrize(
    "url",
    ["", "crm.corp.test", "ftp://crm.corp.test/", "file:///etc/passwd", "gopher://127.0.0.1/", "https:///in", "https://", "//crm.corp.test/", "javascript:alert(1)",
     "https://user:pass@crm.corp.test/", "https://user@crm.corp.test/", "https://crm.corp.test:22/", "https://crm.corp.test:8443/", "https://crm.corp.test:0/", "https://crm.corp.test:99999/",
     "https://crm.corp.test/#x", "https://crm.corp.test/a b", "https://crm.corp.test/\r\nX: y", "https://crm.corp.test\\@evil.test/", "https://crm.corp.test/" + "a" * 2000, "https://[::1/", "https://%00/"],
)  # fmt: skip
def test_urls_of_bad_form_are_refused_before_any_lookup(url: str) -> None:
    guarded = Connector(AllowList(), QUICK, CONTEXT, no_lookup)
    with pytest.raises(RefusedError) as caught:
        guarded.check_url(url)
    assert caught.value.failure == "url_refused"
    assert "corp" not in str(caught.value)
    assert guarded.post(url, {}, b"{}").failure == "url_refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "0.0.0.0", "0", "10.0.0.1", "[fd00::1]", "[fe80::1]", "169.254.169.254", "localhost", "LOCALHOST", "localhost.", "１２７.０.０.１"])  # fmt: skip
def test_inner_addresses_in_every_spelling_are_refused(host: str) -> None:
    guarded = Connector(AllowList(), QUICK, CONTEXT)
    with pytest.raises(RefusedError) as caught:
        guarded.check_url(f"https://{host}/")
    assert caught.value.failure in ("address_refused", "name_not_found", "url_refused")


@pytest.mark.parametrize(
    ("url", "found", "failure"),
    [
        ("https://crm.test/", ["1.2.3.4"], None),
        ("https://crm.test:443/", ["2606:4700::1"], None),
        ("https://crm.test/", ["10.0.0.1", "1.2.3.4"], None),
        ("https://crm.test/", ["10.0.0.1"], "address_refused"),
        ("https://crm.test/", ["64:ff9b::a00:1"], "address_refused"),
        ("https://crm.test/", [], "address_refused"),
        ("https://crm.test/", ["no address"], "address_refused"),
        ("http://crm.test/", ["1.2.3.4"], "url_refused"),
        ("https://crm.test:9443/", ["1.2.3.4"], "url_refused"),
        ("https://onsite.test:9443/", ["10.7.0.1"], None),
        ("http://onsite.test:9443/", ["10.7.0.1"], None),
        ("http://onsite.test/", ["10.7.0.1"], "address_refused"),
    ],
)
def test_what_an_address_permits(url: str, found: list[str], failure: str | None) -> None:
    allowed = parse_allow_list("10.7.0.0/16:9443")
    target = parse_target(url, allowed)
    if failure is None:
        assert all(str(address) != "10.0.0.1" for address in permitted(target, found, allowed))
    else:
        with pytest.raises(RefusedError) as caught:
            permitted(target, found, allowed)
        assert caught.value.failure == failure


def test_an_unknown_name() -> None:
    def missing(*_: object) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    guarded = Connector(AllowList(), QUICK, CONTEXT, missing)
    assert guarded.post("https://crm.test/", {}, b"{}").failure == "name_not_found"


@given(st.text(max_size=80) | st.from_regex(r"https?://[a-z0-9.@:\[\]%/?#\\-]{0,40}", fullmatch=True))
def test_any_text_is_a_target_or_refused(url: str) -> None:
    try:
        target = parse_target(url, AllowList())
    except RefusedError:
        return
    assert target.port in (80, 443)
    assert b"@" not in target.authority
    assert is_host(target.host)
