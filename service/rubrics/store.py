"""Versions of a tenant's rubric and which is on: plain functions over a session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.rubric import STANDARD, Rubric
from service.accounts.tables import Tenant
from service.rubrics.content import RubricContent, standard_content, to_rubric
from service.rubrics.tables import RubricSwitch, RubricVersion


@dataclass(frozen=True, slots=True)
class Author:
    """Who made or switched on a version: a person's or a key's id, and the name at that time."""

    id: str | None
    name: str | None


def _lock(session: Session, tenant_id: str) -> None:
    """Let one transaction at a time number this tenant's versions and switches."""
    session.execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update())


def content_of(row: RubricVersion) -> RubricContent:
    """The content of a stored version."""
    return RubricContent.model_validate(row.content)


def find(session: Session, tenant_id: str, version: int) -> RubricVersion | None:
    """A version of the tenant; 0 has no row."""
    return session.get(RubricVersion, (tenant_id, version))


def rubric(session: Session, tenant_id: str, version: int) -> Rubric | None:
    """What a model scores by under this version; None where the tenant has no such version."""
    if version == 0:
        return STANDARD
    row = find(session, tenant_id, version)
    return None if row is None else to_rubric(version, content_of(row))


def versions(session: Session, tenant_id: str, before: int | None, limit: int) -> tuple[list[RubricVersion], int | None]:
    """Versions below `before`, the newest first, and the next page's `before`."""
    below = [] if before is None else [RubricVersion.version < before]
    query = select(RubricVersion).where(RubricVersion.tenant_id == tenant_id, *below).order_by(RubricVersion.version.desc())
    rows = list(session.scalars(query.limit(limit + 1)))
    return rows[:limit], rows[limit - 1].version if len(rows) > limit else None


def create(
    session: Session, tenant_id: str, content: RubricContent, remark: str, author: Author, now: datetime
) -> tuple[RubricVersion, bool]:
    """A new version, not switched on, and whether it is new: the newest one is given again where it holds the same."""
    _lock(session, tenant_id)
    newest = next(iter(versions(session, tenant_id, None, 1)[0]), None)
    plain = content.model_dump(mode="json", exclude_none=True)
    if newest is not None and newest.content == plain and newest.remark == remark:
        return newest, False
    row = RubricVersion(
        tenant_id=tenant_id, version=newest.version + 1 if newest else 1, content=plain, remark=remark, author_id=author.id, author=author.name,
        created=now, tried=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row, True


def mark_tried(session: Session, tenant_id: str, version: int, now: datetime) -> None:
    """Note that a version was tried on past notes; only then may it be switched on."""
    row = find(session, tenant_id, version)
    if row is not None and row.tried is None:
        row.tried = now


def last_switch(session: Session, tenant_id: str) -> RubricSwitch | None:
    """The switch that made what is on; None where nothing was ever switched."""
    query = select(RubricSwitch).where(RubricSwitch.tenant_id == tenant_id).order_by(RubricSwitch.number.desc())
    return session.scalar(query.limit(1))


def active_version(session: Session, tenant_id: str) -> int:
    """The version that is on; 0 is labels.md's own."""
    last = last_switch(session, tenant_id)
    return 0 if last is None else last.version


def active(session: Session, tenant_id: str | None) -> Rubric:
    """What new notes of this tenant are scored by; labels.md's own for nobody's."""
    if tenant_id is None:
        return STANDARD
    return rubric(session, tenant_id, active_version(session, tenant_id)) or STANDARD


def active_content(session: Session, tenant_id: str) -> RubricContent:
    """The content of what is on."""
    row = find(session, tenant_id, active_version(session, tenant_id))
    return standard_content() if row is None else content_of(row)


def switch_on(session: Session, tenant_id: str, version: int, author: Author, now: datetime) -> None:
    """Score new notes by this version from now on; one that is on stays on."""
    _lock(session, tenant_id)
    last = last_switch(session, tenant_id)
    if version != (last.version if last else 0):
        number = (last.number if last else 0) + 1
        session.add(RubricSwitch(tenant_id=tenant_id, number=number, version=version, author_id=author.id, author=author.name, created=now))
        session.flush()


def previous(session: Session, tenant_id: str) -> int | None:
    """The version that was on before; None where nothing was ever switched."""
    last = last_switch(session, tenant_id)
    if last is None:
        return None
    before = session.get(RubricSwitch, (tenant_id, last.number - 1))
    return 0 if before is None else before.version


def was_on(session: Session, tenant_id: str) -> set[int]:
    """The versions that were ever on."""
    return {0, *session.scalars(select(RubricSwitch.version).where(RubricSwitch.tenant_id == tenant_id).distinct())}


def all_rubrics(session: Session, tenant_id: str) -> dict[int, Rubric]:
    """Every version's rubric, by its number: notes carry what was on when they were scored."""
    rows = session.scalars(select(RubricVersion).where(RubricVersion.tenant_id == tenant_id))
    return {0: STANDARD, **{row.version: to_rubric(row.version, content_of(row)) for row in rows}}


def forget_author(session: Session, tenant_id: str, author_id: str) -> int:
    """Take a deleted person's name off versions and switches; how many."""
    changed = 0
    for table in (RubricVersion, RubricSwitch):
        mine = (table.tenant_id == tenant_id, table.author_id == author_id)
        changed += session.scalar(select(func.count()).select_from(table).where(*mine)) or 0
        session.execute(update(table).where(*mine).values(author_id=None, author=None))
    return changed
