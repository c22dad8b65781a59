"""A real receiver on loopback that answers as a test tells it, in plain HTTP or with a certificate of a self-made authority."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import delete

from service.database import writing
from service.outbound.tables import Subscription

Behave = Callable[[socket.socket, threading.Event], None]
"""What a receiver does with a connection whose request it has read; the event is set when the test is over."""


def answer(status: str, headers: str = "", body: bytes = b"") -> Behave:
    """A whole answer with a length."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
    return lambda connection, _: connection.sendall(head + body)


@dataclass
class Receiver:
    """Listens until closed; `requests` are the bytes of each request."""

    behave: Behave
    context: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        if self.context is not None:
            self.context.sni_callback = lambda _, name, __: self.names.append(name)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    wrapped = self.context.wrap_socket(connection, server_side=True) if self.context else connection
                    self.requests.append(_read_request(wrapped))
                    self.behave(wrapped, self.over)
                    wrapped.close()
                except OSError:
                    pass  # the sender hung up, which is what some tests are about

    def close(self) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    """Makes receivers, closed at the end."""
    made: list[Receiver] = []

    def make(behave: Behave, context: ssl.SSLContext | None = None) -> Receiver:
        made.append(Receiver(behave, context))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


@dataclass(frozen=True)
class Authority:
    """A self-made certificate authority and a server certificate of it for `crm.corp.test` and 127.0.0.1."""

    ca_file: Path
    server_context: Callable[[], ssl.SSLContext]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    now = datetime.datetime.now(datetime.UTC)
    root_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])

    def certificate(
        subject: x509.Name, key: ec.EllipticCurvePrivateKey, extensions: list[tuple[x509.ExtensionType, bool]]
    ) -> x509.Certificate:
        builder = x509.CertificateBuilder(root_name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(root_key, hashes.SHA256())

    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    key_id = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = certificate(root_name, root_key, [(x509.BasicConstraints(True, None), True), (usage, True), (key_id, False)])
    names = x509.SubjectAlternativeName([x509.DNSName("crm.corp.test"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)
    server = certificate(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm.corp.test")]), server_key, [(names, False), (issuer, False)]
    )
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(
        server_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + server.public_bytes(serialization.Encoding.PEM)
    )

    def server_context() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        return context

    return Authority(folder / "ca.pem", server_context)


@pytest.fixture
def house(tenancy, receive):
    """A tenant with deliveries to step, on each database; those of the tests before it are gone, since a sweep looks at all."""
    from tests.service.outbound.house import House

    with writing(tenancy.world.engine) as session:
        session.execute(delete(Subscription))
    return House(tenancy, receive)
