"""The guarded connection: a delivery leaves for exactly the address that was checked, and follows nobody elsewhere.

The name is looked up here, each address is checked, and the socket is opened to a checked address, so a name that answers otherwise a moment
later (DNS rebinding) gains nothing. Host, SNI and certificate are those of the name. No proxy, no redirect, no cookie, no compression.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpcore
import httpx

from service.outbound.addresses import WEB_PORTS, Address, AllowList, is_host, is_public, parse_address
from service.outbound.outcome import Failure, Outcome

MAX_ANSWER_BYTES = 64 * 1024
MAX_URL_CHARACTERS = 2_000
MAX_ADDRESSES = 4
"""So many addresses of one name are tried."""
_CHUNK = 16 * 1024

Resolve = Callable[[str, int], Sequence[str]]
"""Host name and port to the addresses of the name; raises OSError where there are none."""


class RefusedError(Exception):
    """A URL or address that deliveries do not go to. The message is for its owner and repeats nothing of the URL."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `total` covers everything from opening the socket to the last byte of the answer."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 20.0


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, its form being in order."""

    host: str
    port: int
    secure: bool
    authority: bytes
    """The header `Host`."""
    path: bytes = field(repr=False)
    """Path and query; a robot's key may stand there."""


def system_resolve(host: str, port: int) -> list[str]:
    """The system's resolver. Raises OSError; how long it may take is the system's setting (resolv.conf)."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def trust(ca_file: Path | None = None) -> ssl.SSLContext:
    """The public certificate authorities and, where given, a company's own. Raises OSError where the file cannot be read."""
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def parse_target(url: str, allowed: AllowList) -> Target:
    """The form of a URL, checked without looking up its name. Raises RefusedError."""
    if len(url) > MAX_URL_CHARACTERS or re.search(r"[\x00-\x20\x7f\\]", url):
        raise RefusedError("url_refused", f"The URL has blanks or control characters, or more than {MAX_URL_CHARACTERS} characters")
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        raise RefusedError("url_refused", "The URL cannot be read") from None
    if parsed.scheme not in ("https", "http"):
        raise RefusedError("url_refused", "The URL must begin with https://")
    if not is_host(host):
        raise RefusedError("url_refused", "The URL names no usable host")
    if parsed.userinfo:
        raise RefusedError("url_refused", "The URL must not hold a user name or password")
    if parsed.fragment:
        raise RefusedError("url_refused", "The URL must not have a fragment (#)")
    secure = parsed.scheme == "https"
    port = parsed.port if parsed.port is not None else 443 if secure else 80
    if port not in allowed.ports():
        raise RefusedError("url_refused", "The port must be 443, or one the operator has allow-listed")
    return Target(host, port, secure, parsed.netloc, parsed.raw_path)


def permitted(target: Target, found: Iterable[str], allowed: AllowList) -> list[Address]:
    """Those addresses of a name that a delivery may go to, in the resolver's order; others are left out. Raises RefusedError where none is.

    A public address is good by https on 443 (or 80); anything else (internal network, other port, no TLS) needs an allow-list entry.
    """
    good: list[Address] = []
    public_without_tls = False
    for text in found:
        try:
            address = parse_address(text)
        except ValueError:
            continue
        if (is_public(address) and target.secure and target.port in WEB_PORTS) or allowed.covers(target.host, address, target.port):
            good.append(address)
        elif is_public(address):
            public_without_tls = True
    if good:
        return list(dict.fromkeys(good))[:MAX_ADDRESSES]
    if public_without_tls:
        raise RefusedError("url_refused", "The URL must begin with https:// and use port 443, unless the operator has allow-listed it")
    raise RefusedError(
        "address_refused", "The URL's host is in a network that deliveries do not go to, and the operator has not allow-listed it"
    )


class _TlsError(httpcore.ConnectError):
    """No TLS with the receiver: another name or authority in its certificate, or no TLS there at all."""


class _DeadlineStream(httpcore.NetworkStream):
    """A stream whose every wait ends at the delivery's deadline, so that a trickle of bytes cannot hold it open."""

    def __init__(self, inner: httpcore.NetworkStream, remaining: Callable[[], float]) -> None:
        self._inner = inner
        self._remaining = remaining

    def _wait(self, timeout: float | None, error: type[Exception]) -> float:
        left = self._remaining()
        if left <= 0:
            raise error
        return left if timeout is None else min(timeout, left)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._wait(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _CHUNK):
            self._inner.write(buffer[start : start + _CHUNK], self._wait(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        wait = self._wait(timeout, httpcore.ConnectTimeout)
        try:
            return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, wait), self._remaining)
        except httpcore.ConnectError:
            # The pool strips the cause off an error that passes it, so the kind is said here.
            raise _TlsError from None

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _PinnedBackend(httpcore.NetworkBackend):
    """Opens sockets to the checked addresses, whatever host is asked for."""

    def __init__(self, addresses: Sequence[Address], remaining: Callable[[], float]) -> None:
        self._addresses = addresses
        self._remaining = remaining
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        error: Exception = httpcore.ConnectTimeout()
        for address in self._addresses:
            left = self._remaining()
            if left <= 0:
                break
            try:
                stream = self._inner.connect_tcp(str(address), port, min(timeout or left, left), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
            else:
                return _DeadlineStream(stream, self._remaining)
        raise error


@dataclass(frozen=True)
class Connector:
    """Posts a body to a URL under the rules of this module; knows no tenant and keeps nothing between two posts."""

    allowed: AllowList = field(default_factory=AllowList)
    timeouts: Timeouts = field(default_factory=Timeouts)
    context: ssl.SSLContext = field(default_factory=trust)
    resolve: Resolve = system_resolve
    monotonic: Callable[[], float] = time.monotonic

    def check_url(self, url: str) -> Target:
        """Check a URL as a delivery would, name looked up, before a subscription is created. Raises RefusedError."""
        target = parse_target(url, self.allowed)
        permitted(target, self._lookup(target), self.allowed)
        return target

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send the body once. Never raises for what the network or the receiver does: the outcome says it."""
        begin = self.monotonic()
        try:
            target = parse_target(url, self.allowed)
            addresses = permitted(target, self._lookup(target), self.allowed)
        except RefusedError as error:
            return Outcome(None, error.failure, seconds=self.monotonic() - begin)
        try:
            status, retry_after, answer = self._exchange(target, addresses, headers, body)
        except httpcore.TimeoutException:
            return Outcome(None, "timeout", seconds=self.monotonic() - begin)
        except _TlsError:
            return Outcome(None, "tls_failed", seconds=self.monotonic() - begin)
        except httpcore.ConnectError:
            return Outcome(None, "connect_failed", seconds=self.monotonic() - begin)
        except (httpcore.NetworkError, httpcore.ProtocolError):
            return Outcome(None, "broken_answer", seconds=self.monotonic() - begin)
        return Outcome(status, None, retry_after, self.monotonic() - begin, body=answer)

    def _lookup(self, target: Target) -> Sequence[str]:
        try:
            return self.resolve(target.host, target.port)
        except (OSError, UnicodeError):
            raise RefusedError("name_not_found", "The URL's host name cannot be found") from None

    def _exchange(
        self, target: Target, addresses: Sequence[Address], headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str | None, bytes]:
        """Status, Retry-After and the first 64 KB of the answer. Raises httpcore's errors."""
        deadline = self.monotonic() + self.timeouts.total
        backend = _PinnedBackend(addresses, lambda: deadline - self.monotonic())
        waits = {"connect": self.timeouts.connect, "read": self.timeouts.read, "write": self.timeouts.read, "pool": self.timeouts.connect}
        sent = [
            (b"Host", target.authority),
            *((name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()),
            (b"Accept-Encoding", b"identity"),
            (b"Connection", b"close"),
            (b"User-Agent", b"Fupan-Webhooks/1"),
        ]
        # Taken apart once, by parse_target: a second parser could read another host or port out of the same text.
        url = httpcore.URL(
            scheme=b"https" if target.secure else b"http", host=target.host.encode("ascii"), port=target.port, target=target.path
        )
        with (
            httpcore.ConnectionPool(ssl_context=self.context, network_backend=backend, max_connections=1) as pool,
            pool.stream("POST", url, headers=sent, content=body, extensions={"timeout": waits}) as response,
        ):
            answer = bytearray()
            for part in response.iter_stream():
                answer += part
                if len(answer) >= MAX_ANSWER_BYTES:
                    break
            retry_after = next((value.decode("latin-1") for name, value in response.headers if name.lower() == b"retry-after"), None)
            return response.status, retry_after, bytes(answer[:MAX_ANSWER_BYTES])
