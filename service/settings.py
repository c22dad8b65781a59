"""The one place of settings: environment variables FUPAN_*, read once where the program starts."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.pipeline import TRAINED

SECRETS = Path("/run/secrets")
"""Where container engines mount secrets: a file named as a variable in small letters (fupan_database_url) gives its value."""

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


def _origins(value: Any) -> Any:
    """Origins parted by commas or spaces. Raises ValueError for what no browser sends as Origin: a path, a wildcard, capitals."""
    if not isinstance(value, str):
        return value
    origins = tuple(value.replace(",", " ").split())
    if not all(_ORIGIN.fullmatch(o) for o in origins):
        raise ValueError("Each origin is written https://host or https://host:port, in small letters, with no path")
    return origins


class Settings(BaseSettings):
    """What an operator can set (docs/settings.md)."""

    model_config = SettingsConfigDict(env_prefix="FUPAN_", extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8765, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    database_url: str = Field("sqlite:///var/fupan.sqlite3", description="SQLAlchemy address of the database; a SQLite file by default.")
    model_path: Path = Field(TRAINED, description="Folder of the trained model, as `make train` writes it.")
    max_body_bytes: int = Field(16 * 1024 * 1024, ge=1024, description="Larger request bodies are refused with 413.")
    max_note_characters: int = Field(20_000, ge=1, description="A longer note is refused with 422 (naming the field).")
    metrics_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Who reads /metrics sends it as bearer token; unset, only a server on a loopback address gives metrics.",
    )
    workers: int = Field(1, ge=1, le=64, description="Server processes on the one socket; the model is loaded once and shared.")
    shutdown_seconds: int = Field(20, ge=1, le=3600, description="Seconds that requests in flight get to finish after SIGTERM.")
    embed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        (), description="Origins whose pages may analyze drafts by /embed.js, parted by commas; none by default."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR; logs never hold note text.")


def is_loopback(host: str) -> bool:
    """Whether a server on this address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # another name: whatever it resolves to may change
        return False


def read_settings() -> Settings:
    """The settings of the environment and of secret files.

    Raises pydantic.ValidationError where a value is wrong.
    """
    return Settings(_secrets_dir=SECRETS if SECRETS.is_dir() else None)
