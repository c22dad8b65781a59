"""API keys: made once and shown once, stored as SHA-256, looked up by it.

A key has 256 random bits, so a slow hash would gain nothing (adr 0005).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service.accounts.access import Principal, Role
from service.accounts.store import AccountError, person, team
from service.accounts.tables import ApiKey, KeyTeam
from service.database import reading, writing
from service.ids import new_id

FORM = re.compile(r"fk_[A-Za-z0-9_-]{43}")
SHOWN = 9
"""Characters of a key that lists show: fk_ and six more, 220 bits stay unknown."""
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is to be. A trainer's needs teams, a rep's its person; an integration's may name its integration, else it is its own."""

    role: Role
    label: str = ""
    team_ids: Sequence[str] = ()
    person_id: str | None = None
    integration_id: str | None = None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def create_key(session: Session, tenant_id: str, new: NewKey, now: datetime) -> tuple[ApiKey, str]:
    """The stored key and the secret itself, which nobody can read again.

    Raises AccountError naming the field where the scope does not fit the role or is not of this tenant.
    """
    if bool(new.team_ids) != (new.role == "trainer"):
        raise AccountError("team_ids", "A trainer's key names at least one team, any other key none")
    if (new.person_id is not None) != (new.role == "rep"):
        raise AccountError("person_id", "A rep's key names its person, any other key none")
    if new.integration_id is not None and new.role != "integration":
        raise AccountError("integration_id", "Only an integration's key names an integration")
    for team_id in new.team_ids:
        if team(session, tenant_id, team_id) is None:
            raise AccountError("team_ids", "There is no such team")
    if new.person_id is not None and person(session, tenant_id, new.person_id) is None:
        raise AccountError("person_id", "There is no such person")
    key, key_id = "fk_" + secrets.token_urlsafe(32), new_id("ky", now)
    row = ApiKey(
        id=key_id, tenant_id=tenant_id, role=new.role, label=new.label, person_id=new.person_id,
        # Notes belong to the integration, not to the key, so that a key can be replaced by another of the same integration.
        integration_id=(new.integration_id or key_id) if new.role == "integration" else None,
        prefix=key[:SHOWN], sha256=_hash(key), created=now, last_used=None, revoked_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add_all(KeyTeam(key_id=key_id, team_id=t, tenant_id=tenant_id) for t in dict.fromkeys(new.team_ids))
    session.flush()
    return row, key


def teams_of(session: Session, key_ids: Sequence[str]) -> dict[str, list[str]]:
    """The teams of each of these keys."""
    out: dict[str, list[str]] = {k: [] for k in key_ids}
    for row in session.scalars(select(KeyTeam).where(KeyTeam.key_id.in_(key_ids)).order_by(KeyTeam.team_id)):
        out[row.key_id].append(row.team_id)
    return out


def revoke_key(session: Session, tenant_id: str, key_id: str, now: datetime) -> ApiKey | None:
    """Revoke a key (again: nothing changes); None where the tenant has no such key."""
    row = session.scalar(select(ApiKey).where(ApiKey.tenant_id == tenant_id, ApiKey.id == key_id))
    if row is not None and row.revoked_at is None:
        row.revoked_at = now
    return row


def principal_of(session: Session, row: ApiKey) -> Principal | None:
    """Who a stored key stands for; None where it is revoked."""
    if row.revoked_at is not None:
        return None
    teams = frozenset(teams_of(session, [row.id])[row.id])
    return Principal(row.tenant_id, row.id, row.role, teams, row.person_id, row.integration_id)  # type: ignore[arg-type]


def find_principal(engine: Engine, key: str, now: datetime) -> Principal | None:
    """Who this key stands for; None where it is malformed, unknown or revoked. Its use is noted at most once a minute."""
    if not FORM.fullmatch(key):
        return None
    digest = _hash(key)
    with reading(engine) as session:
        row = session.scalar(select(ApiKey).where(ApiKey.sha256 == digest))
        if row is None or not hmac.compare_digest(row.sha256, digest):
            return None
        principal = principal_of(session, row)
        if principal is None:
            return None
        last_used = row.last_used
    if last_used is None or now - last_used >= USE_NOTED_EVERY:
        with suppress(OperationalError), writing(engine) as session:  # a locked database is no reason to turn a valid key away
            session.execute(update(ApiKey).where(ApiKey.id == principal.key_id).values(last_used=now))
    return principal
