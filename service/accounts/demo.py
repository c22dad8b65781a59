"""What makes the first start on one's own machine work at once: a tenant with an admin key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from service.accounts.keys import NewKey, create_key
from service.accounts.store import AccountError, count_tenants, create_tenant
from service.database import writing

DEMO_TENANT = "demo"


def demo_key(engine: Engine, now: datetime) -> str | None:
    """The admin key of a new tenant `demo`, where the database has no tenant yet; None otherwise."""
    try:
        with writing(engine) as session:
            if count_tenants(session):
                return None
            tenant = create_tenant(session, DEMO_TENANT, now)
            return create_key(session, tenant.id, NewKey("admin", "first start"), now)[1]
    except AccountError:  # another process has just made it
        return None
