"""The one place of settings: environment variables FUPAN_*, read once where the program starts."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.pipeline import TRAINED
from service.outbound.addresses import parse_allow_list

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
    models_dir: Path = Field(Path("var/models"), description="Folder of further model versions (`python -m service models add`).")
    max_body_bytes: int = Field(16 * 1024 * 1024, ge=1024, description="Larger request bodies are refused with 413.")
    max_note_characters: int = Field(20_000, ge=1, description="A longer note is refused with 422 (naming the field).")
    open_analyses: Literal["auto", "always", "never"] = Field(
        "auto", description="Whether /v1/analyses needs no key; auto: on a loopback address only."
    )
    requests_per_minute: int = Field(600, ge=1, description="Requests a minute of one key, in each server process; above it 429.")
    request_burst: int = Field(100, ge=1, description="Requests of one key at once before the rate counts.")
    metrics_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Who reads /metrics sends it as bearer token; unset, only a server on a loopback address gives metrics.",
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that answer on the one socket; the model is loaded once and shared.")
    shutdown_seconds: int = Field(20, ge=1, le=3600, description="Seconds that requests in flight get to finish after SIGTERM.")
    embed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        (), description="Origins whose pages may analyze drafts by /embed.js, parted by commas; none by default."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR; logs never hold note text.")
    secret_key: SecretStr | None = Field(None, description="Key of stored secrets, 32 bytes in base64; several by commas, the first seals.")
    public_url: str | None = Field(
        None, pattern=r"^https?://[^\s?#]+$", description="Address under which CRMs reach this server; begins the hooks' addresses."
    )
    max_hook_bytes: int = Field(4 * 1024 * 1024, ge=1024, description="Larger bodies posted to /v1/hooks/ are refused with 413.")
    work_here: bool = Field(
        True,
        description="Whether `serve` also runs a process that works off queues; false where `python -m service work` does, here or elsewhere.",
    )
    event_workers: int = Field(16, ge=1, le=64, description="Events that are taken to notes together, as one task of the queue.")
    event_log_days: int = Field(30, ge=7, description="Days that finished events are kept; one sent again within them is known.")
    delivery_allow: str = Field(
        "", description="Networks, addresses and hosts, with :port or without, that deliveries may reach besides https."
    )
    delivery_ca_file: Path | None = Field(None, description="PEM file of a company's own certificate authorities, trusted by deliveries.")
    delivery_connect_seconds: float = Field(5, gt=0, le=60, description="A receiver must accept a connection within this time.")
    delivery_read_seconds: float = Field(15, gt=0, le=120, description="A receiver must not be silent for longer.")
    delivery_total_seconds: float = Field(20, gt=0, le=120, description="A receiver's answer must have ended within this time.")
    delivery_workers: int = Field(16, ge=1, le=256, description="Deliveries that one server process sends at once.")
    delivery_log_days: int = Field(30, ge=1, description="Days that finished deliveries and their attempts are kept.")
    dead_after_seconds: float = Field(
        30, ge=1, le=3600, description="A server process that shows no life for so long is taken for dead; others do its work."
    )
    hand_back_seconds: int = Field(10, ge=0, le=3600, description="At shutdown, running work gets so long before it is handed back.")

    max_import_bytes: int = Field(64 * 1024 * 1024, ge=1024, description="Larger files for import are refused with 413.")
    chromium_path: Path | None = Field(None, description="The Chromium that prints reports as PDF; by default `chromium` of the PATH.")
    session_hours: float = Field(12, gt=0, le=720, description="A login to the pages lasts so long.")
    logins_per_minute: int = Field(
        20, ge=1, description="Attempts to log in a minute from one address, in each server process; above it 429."
    )

    oidc_issuer: str | None = Field(
        None, pattern=r"^https?://[^\s?#]+$", description="Identity provider (OpenID Connect) for logins; none: off."
    )
    oidc_client_id: str | None = Field(None, description="This server's client id at the identity provider.")
    oidc_client_secret_file: Path | None = Field(None, description="File with the client secret; none: a public client.")
    oidc_tenant: str | None = Field(None, description="Id or name of the tenant whose people log in by the identity provider.")
    oidc_claim: Literal["email", "sub"] = Field(
        "email", description="The claim that is a person's external id; an e-mail must be verified."
    )

    @model_validator(mode="after")
    def _whole_oidc(self) -> Settings:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_tenant and self.public_url):
            raise ValueError("FUPAN_OIDC_ISSUER needs FUPAN_OIDC_CLIENT_ID, FUPAN_OIDC_TENANT and FUPAN_PUBLIC_URL")
        return self

    @field_validator("delivery_allow")
    @classmethod
    def _readable(cls, value: str) -> str:
        parse_allow_list(value)
        return value

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies are for https alone: not where this machine's browser alone comes, by http."""
        return not self.on_loopback or (self.public_url or "").startswith("https:")

    @property
    def on_loopback(self) -> bool:
        """Whether the server can be reached from this machine alone."""
        return is_loopback(self.host)


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
