"""Imports in our tables: made from an upload, found, started, cancelled, listed. Plain functions over a session."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import BinaryIO

from sqlalchemy import ColumnElement, Engine, delete, select, update
from sqlalchemy.orm import Session

from service.accounts.access import Principal
from service.database import reading
from service.ids import new_id
from service.imports.days import order_of
from service.imports.files import Sample, kind_of, sample
from service.imports.guessing import guess
from service.imports.rows import Matching
from service.imports.tables import Import, ImportFault, ImportPart, ImportRow

PART = 1 << 20
WAITING = timedelta(days=1)
"""A file whose columns nobody confirms is deleted after so long."""
AT_WORK = ("reading", "noting", "cancelling")


def visible(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which this principal sees an import: an admin all of the tenant, a trainer those of the own teams."""
    own: list[ColumnElement[bool]] = [Import.tenant_id == principal.tenant_id]
    if principal.role != "admin":
        own.append(Import.team_id.in_(principal.team_ids))
    return own


def find(session: Session, principal: Principal, import_id: str) -> Import | None:
    """The import where this principal may see it."""
    return session.scalar(select(Import).where(*visible(principal), Import.id == import_id))


def latest(session: Session, principal: Principal, limit: int = 30) -> list[Import]:
    """The newest imports this principal may see."""
    return list(session.scalars(select(Import).where(*visible(principal)).order_by(Import.id.desc()).limit(limit)))


def create(session: Session, tenant_id: str, team_id: str | None, name: str, file: BinaryIO, now: datetime) -> tuple[Import, Sample]:
    """Keep an uploaded file, its columns guessed; nothing is imported yet. Raises FileError where it cannot be read."""
    kind = kind_of(file, name)
    seen = sample(file, kind)
    fields = guess(seen)
    order = order_of(seen.values[fields["visited_at"]]) if "visited_at" in fields else "mdy"
    digest, size = hashlib.sha256(), 0
    row = Import(
        id=new_id("im", now), tenant_id=tenant_id, team_id=team_id, filename=name[-200:], kind=kind, size=0, sha256="", columns=seen.columns,
        matching=Matching(fields, order, "create").as_json(), state="uploaded", reason=None, total=0, position=0, handled=0, stored=0, known=0,
        faults=0, made=[], slices=0, next_at=None, created=now, finished=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    file.seek(0)
    for number, piece in enumerate(iter(lambda: file.read(PART), b"")):
        digest.update(piece)
        size += len(piece)
        session.add(ImportPart(import_id=row.id, number=number, tenant_id=tenant_id, content=piece))
        session.flush()
        session.expire_all()  # the piece need not stay in memory
    row.size, row.sha256 = size, digest.hexdigest()
    session.flush()
    return row, seen


@contextmanager
def kept_file(engine: Engine, import_id: str) -> Iterator[BinaryIO]:
    """The uploaded file, in a nameless temporary file that goes with the block; no transaction is open inside."""
    with tempfile.TemporaryFile(prefix="fupan-import-") as file:
        with reading(engine) as session:
            numbers = session.scalars(select(ImportPart.number).where(ImportPart.import_id == import_id).order_by(ImportPart.number)).all()
            for number in numbers:
                piece = select(ImportPart.content).where(ImportPart.import_id == import_id, ImportPart.number == number)
                file.write(session.scalars(piece).one())
        file.seek(0)
        yield file


def same_before(session: Session, row: Import) -> Import | None:
    """A finished import of the same file into the same tenant."""
    same = (Import.tenant_id == row.tenant_id, Import.sha256 == row.sha256, Import.state == "done", Import.id != row.id)
    return session.scalar(select(Import).where(*same).order_by(Import.id.desc()).limit(1))


def start(row: Import, matching: Matching, now: datetime) -> None:
    """Have the file read and noted from now on."""
    row.matching, row.state, row.next_at = matching.as_json(), "reading", now


def cancel(session: Session, row: Import, now: datetime) -> bool:
    """Have all that came in by this import removed, also after it has finished; whether there is anything to do."""
    changed = (
        update(Import).where(Import.id == row.id, Import.state.not_in(("cancelling", "cancelled"))).values(state="cancelling", next_at=now)
    )
    return bool(session.execute(changed).rowcount)  # type: ignore[attr-defined]


def matching_of(row: Import) -> Matching:
    """The stored matching."""
    return Matching(row.matching["fields"], row.matching["order"], row.matching["unknown"])


def faults(session: Session, import_id: str, after: int = 0, limit: int = 100) -> list[ImportFault]:
    """Rows at fault, in the order of the file."""
    chosen = (ImportFault.import_id == import_id, ImportFault.row > after)
    return list(session.scalars(select(ImportFault).where(*chosen).order_by(ImportFault.row).limit(limit)))


def due(session: Session, now: datetime) -> list[Import]:
    """Imports that somebody is to work on: not worked on yet, or left by a process that died."""
    return list(session.scalars(select(Import).where(Import.state.in_(AT_WORK), Import.next_at <= now).order_by(Import.id).limit(20)))


def forget_content(session: Session, import_id: str) -> None:
    """Delete what an import holds of the file."""
    for table in (ImportPart, ImportRow):
        session.execute(delete(table).where(table.import_id == import_id))


def purge(session: Session, now: datetime) -> int:
    """Delete files that nobody went on with; how many."""
    old = list(session.scalars(select(Import.id).where(Import.state == "uploaded", Import.created < now - WAITING)))
    for import_id in old:
        session.execute(delete(Import).where(Import.id == import_id))
    return len(old)
