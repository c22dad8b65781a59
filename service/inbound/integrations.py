"""Integrations: plain functions over a session, and what a hook needs of one, kept for a moment."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, SecretStr, ValidationError
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from service.accounts import store as accounts
from service.accounts.store import AccountError
from service.database import reading
from service.ids import new_id
from service.inbound.adapters import ADAPTERS, Adapter
from service.inbound.mapping import Mapping
from service.inbound.tables import Integration
from service.problems import FieldFault, faults_of
from service.vault import Vault

Unknown = Literal["create", "empty"]
KEPT_SECONDS = 2.0
"""So long another process may still use an integration's secrets after they were changed or the integration was deleted."""
KEPT = 1_000


class IntegrationError(Exception):
    """Fields that cannot be; each named, none quoted."""

    def __init__(self, faults: list[FieldFault]) -> None:
        super().__init__("; ".join(f"{f.field}: {f.message}" for f in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class NewIntegration:
    """An integration to make; `secrets` is checked by the kind's adapter."""

    kind: str
    label: str
    secrets: dict[str, Any] = field(repr=False)
    mapping: Mapping
    team_id: str | None = None
    unknown: Unknown = "create"


def checked_secrets(kind: str, given: dict[str, Any]) -> BaseModel:
    """The adapter's Secrets. Raises IntegrationError naming the field at fault."""
    try:
        return ADAPTERS[kind].Secrets.model_validate(given)
    except ValidationError as error:
        faults = faults_of(error.errors(include_url=False, include_input=False, include_context=False))
        raise IntegrationError([FieldFault(field=f"secrets.{f.field}".removesuffix(".body"), message=f.message) for f in faults]) from None


def plain(secrets: Any) -> Any:
    """Secrets as JSON-like values, open to read: for sealing, and for showing a new one once."""
    if isinstance(secrets, BaseModel):
        return {name: plain(getattr(secrets, name)) for name in type(secrets).model_fields}
    if isinstance(secrets, (list, tuple)):
        return [plain(item) for item in secrets]
    return secrets.get_secret_value() if isinstance(secrets, SecretStr) else secrets


def _team(session: Session, tenant_id: str, team_id: str | None) -> str | None:
    if team_id is not None and accounts.team(session, tenant_id, team_id) is None:
        raise AccountError("team_id", "There is no such team")
    return team_id


def create(session: Session, vault: Vault, tenant_id: str, new: NewIntegration, key_id: str | None, now: datetime) -> Integration:
    """A new integration. Raises IntegrationError for secrets at fault, AccountError where the team is not the tenant's."""
    secrets = checked_secrets(new.kind, new.secrets)
    row = Integration(
        id=new_id("in", now), tenant_id=tenant_id, kind=new.kind, label=new.label, team_id=_team(session, tenant_id, new.team_id),
        unknown=new.unknown, mapping=dumped(new.mapping), secrets=sealed(vault, secrets), state="active", created_by=key_id, created=now,
        changed=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def dumped(mapping: Mapping) -> dict[str, Any]:
    """A mapping as it is stored and shown."""
    return mapping.model_dump(mode="json", exclude_defaults=True)


def sealed(vault: Vault, secrets: BaseModel) -> str:
    """Secrets as they are stored."""
    return vault.seal(json.dumps(plain(secrets)))


def opened(vault: Vault, row: Integration) -> dict[str, Any]:
    """The secrets of an integration. Raises VaultError."""
    out: dict[str, Any] = json.loads(vault.open(row.secrets))
    return out


def find(session: Session, tenant_id: str, integration_id: str) -> Integration | None:
    """An integration of the tenant."""
    return session.scalar(select(Integration).where(Integration.tenant_id == tenant_id, Integration.id == integration_id))


def change(session: Session, row: Integration, changes: dict[str, Any], now: datetime) -> None:
    """Set label, team_id, unknown or mapping. Raises AccountError where the team is not the tenant's."""
    if "team_id" in changes:
        _team(session, row.tenant_id, changes["team_id"])
    for name, value in changes.items():
        setattr(row, name, dumped(value) if isinstance(value, Mapping) else value)
    row.changed = now
    session.flush()


def set_secrets(row: Integration, vault: Vault, given: dict[str, Any], now: datetime) -> None:
    """Put these secrets in the place of the old ones. Raises IntegrationError."""
    row.secrets, row.changed = sealed(vault, checked_secrets(row.kind, given)), now


def page(session: Session, tenant_id: str, cursor: str | None, limit: int) -> tuple[list[Integration], str | None]:
    """Integrations after the cursor, the oldest first, and the next page's cursor."""
    after = [Integration.id > cursor] if cursor else []
    query = select(Integration).where(Integration.tenant_id == tenant_id, *after).order_by(Integration.id).limit(limit + 1)
    rows = list(session.scalars(query))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


@dataclass(frozen=True, slots=True)
class Receiver:
    """What a hook needs of its integration."""

    id: str
    tenant_id: str
    adapter: Adapter
    secrets: BaseModel = field(repr=False)


class Receivers:
    """Receivers by integration id, each read at most every KEPT_SECONDS: a hook's way to its answer is then one insert. `monotonic` in seconds."""

    def __init__(self, engine: Engine, vault: Vault, monotonic: Callable[[], float]) -> None:
        self._engine, self._vault, self._monotonic = engine, vault, monotonic
        self._kept: OrderedDict[str, tuple[Receiver, float]] = OrderedDict()

    def kept(self, integration_id: str) -> Receiver | None:
        """The receiver read a moment ago, if it was."""
        found = self._kept.get(integration_id)
        return found[0] if found is not None and self._monotonic() - found[1] < KEPT_SECONDS else None

    def read(self, integration_id: str) -> Receiver | None:
        """The receiver from the database; None where there is none. Raises VaultError where its secrets cannot be opened."""
        with reading(self._engine) as session:
            row = session.get(Integration, integration_id)
            if row is None:
                return None
            adapter = ADAPTERS[row.kind]
            receiver = Receiver(row.id, row.tenant_id, adapter, adapter.Secrets.model_validate(opened(self._vault, row)))
        self._kept[integration_id] = (receiver, self._monotonic())
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return receiver

    def forget(self, integration_id: str) -> None:
        """Read it anew at its next request: it was changed."""
        self._kept.pop(integration_id, None)
