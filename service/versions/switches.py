"""Which version is active: the newest switch in the database, so that every process of every machine follows the same."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.versions.tables import ModelSwitch

Version = str | None
"""A version by its name; None is the model that came with the program, whatever its name is after an upgrade."""


class SwitchError(Exception):
    """A switch that cannot be; the message says why."""


def newest(session: Session) -> ModelSwitch | None:
    """The switch that holds now; None where there was none yet."""
    return session.scalar(select(ModelSwitch).order_by(ModelSwitch.id.desc()).limit(1))


def active(session: Session) -> Version:
    """The version that is to be served."""
    row = newest(session)
    return None if row is None else row.version


def history(session: Session, limit: int = 20) -> list[ModelSwitch]:
    """The last switches, the newest first."""
    return list(session.scalars(select(ModelSwitch).order_by(ModelSwitch.id.desc()).limit(limit)))


def promote(session: Session, version: Version, by: str, now: datetime) -> ModelSwitch:
    """Make a version the active one. Raises SwitchError where it is so already."""
    row = newest(session)
    if version == (None if row is None else row.version):
        raise SwitchError("This version is the active one already")
    return _add(session, "promote", version, None if row is None else row.id, by, now)


def version_before(session: Session) -> Version:
    """The version that a rollback makes active. Raises SwitchError where none was active before."""
    row = newest(session)
    if row is None or (row.version is None and row.before is None):
        raise SwitchError("No other version was active before")
    before = session.get(ModelSwitch, row.before) if row.before is not None else None
    return None if before is None else before.version


def roll_back(session: Session, by: str, now: datetime) -> ModelSwitch:
    """Go back to the version that was active before this one was promoted; again, to the one before that. Raises SwitchError."""
    version = version_before(session)
    row = newest(session)
    before = session.get(ModelSwitch, row.before) if row is not None and row.before is not None else None
    return _add(session, "rollback", version, None if before is None else before.before, by, now)


def _add(session: Session, kind: str, version: Version, before: int | None, by: str, now: datetime) -> ModelSwitch:
    row = ModelSwitch(kind=kind, version=version, before=before, switched=now, switched_by=by)
    session.add(row)
    session.flush()
    return row
