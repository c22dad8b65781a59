"""Secrets at rest: what must be readable again to sign or verify (webhook secrets, robots' URLs) is stored encrypted.

Fernet (AES-128-CBC with HMAC-SHA256, `cryptography`) under a key that is not in the database, so that a copy of the database alone gives no
secret away. The key comes from `FUPAN_SECRET_KEY`; where none is set and the database is a SQLite file, from `fupan.key` in that file's folder,
made at first need and readable by the owner only. On PostgreSQL the key must be set: several machines share the database, not a folder.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.engine import make_url

KEY_FILE = "fupan.key"


class VaultError(Exception):
    """No usable key, or a secret that this key does not open. The message holds neither key nor secret."""


class Vault:
    """Seals and opens short texts."""

    def __init__(self, keys: str) -> None:
        """`keys`: one key, or several apart by commas, of which the first seals and all open (rotation). Raises VaultError."""
        try:
            self._fernet = MultiFernet([Fernet(_key(text.strip())) for text in keys.split(",") if text.strip()])
        except ValueError:
            raise VaultError("FUPAN_SECRET_KEY must be 32 bytes in base64 (several keys apart by commas)") from None

    def seal(self, secret: str) -> str:
        """The secret as it may be stored."""
        return self._fernet.encrypt(secret.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """The secret again. Raises VaultError where the key is another one or the stored text was changed."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise VaultError("A stored secret does not open with this key (FUPAN_SECRET_KEY or fupan.key was changed)") from None

    def reseal(self, sealed: str) -> str:
        """The same secret under the first key. Raises VaultError as `open` does."""
        return self.seal(self.open(sealed))


def _key(text: str) -> bytes:
    """A Fernet key from 32 bytes in either base64 alphabet. Raises ValueError."""
    try:
        raw = base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except binascii.Error:
        raise ValueError from None
    if len(raw) != 32:
        raise ValueError
    return base64.urlsafe_b64encode(raw)


def generate_key() -> str:
    """A new key."""
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def key_path(database_url: str) -> Path | None:
    """Where the key stands when FUPAN_SECRET_KEY is not set; None where the database is not a SQLite file."""
    address = make_url(database_url)
    if address.get_backend_name() != "sqlite" or not address.database or address.database == ":memory:":
        return None
    return Path(address.database).parent / KEY_FILE


def open_vault(secret_key: str | None, database_url: str) -> Vault:
    """The vault of an installation, its key file made where one is needed.

    Raises VaultError where no key is set on a database that is not a SQLite file, or where the key file is readable by others.
    """
    if secret_key and secret_key.strip():
        return Vault(secret_key)
    if make_url(database_url).get_backend_name() != "sqlite":
        raise VaultError("FUPAN_SECRET_KEY must be set where the database is not a SQLite file")
    path = key_path(database_url)
    if path is None:
        return Vault(generate_key())
    write_key(path, generate_key())
    return Vault(read_key(path))


def write_key(path: Path, key: str) -> None:
    """Put a key into its file where there is none, readable by the owner only; a file that is there stays as it is."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all and never replaces: of two processes starting together one makes the key, both read it.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def read_key(path: Path) -> str:
    """The key in the file. Raises VaultError where others can read it."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise VaultError(f"{path} holds the key of the stored secrets and is open to others: chmod 600 it")
    return path.read_text("ascii").strip()
