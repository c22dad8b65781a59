"""What can be done with a version: keep, try, switch on, roll back. Each is one transaction; the same for API, pages and commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine

from models.rubric import Rubric
from service.accounts.access import Principal
from service.audits.selection import Selection
from service.database import reading, writing
from service.rescoring.authors import author_of
from service.rescoring.trial import Trial, try_on
from service.rubrics import store
from service.rubrics.content import RubricContent


class NoSuchVersionError(Exception):
    """The tenant has no such version."""


class NotTriedError(Exception):
    """The version was not tried on past notes yet."""


@dataclass(frozen=True, slots=True)
class Rescoring:
    """What the room needs from outside; `today` is the calendar, `now` the clock."""

    engine: Engine
    now: Callable[[], datetime]
    today: Callable[[], date]

    def keep(self, principal: Principal, content: RubricContent, remark: str) -> tuple[int, bool]:
        """Keep a rubric as a new version; its number and whether it is new."""
        with writing(self.engine) as session:
            row, new = store.create(session, principal.tenant_id, content, remark, author_of(session, principal), self.now())
            return row.version, new

    def attempt(self, principal: Principal, version: int, selection: Selection) -> Trial:
        """Try a version on past notes, and note that it was tried. Raises NoSuchVersionError, NotInScopeError."""
        with reading(self.engine) as session:
            rubric: Rubric | None = store.rubric(session, principal.tenant_id, version)
            if rubric is None:
                raise NoSuchVersionError
            found = try_on(session, principal, selection, rubric)
            row = store.find(session, principal.tenant_id, version)
            tried = row is None or row.tried is not None
        if not tried:
            with writing(self.engine) as session:
                store.mark_tried(session, principal.tenant_id, version, self.now())
        return found

    def switch(self, principal: Principal, version: int) -> None:
        """Switch a version on. Raises NoSuchVersionError, NotTriedError."""
        with writing(self.engine) as session:
            row = store.find(session, principal.tenant_id, version)
            if version and row is None:
                raise NoSuchVersionError
            if row is not None and row.tried is None and version not in store.was_on(session, principal.tenant_id):
                raise NotTriedError
            store.switch_on(session, principal.tenant_id, version, author_of(session, principal), self.now())

    def roll_back(self, principal: Principal) -> int:
        """Switch the version before on again, and tell which; where nothing was ever switched, nothing changes."""
        with writing(self.engine) as session:
            before = store.previous(session, principal.tenant_id)
            if before is not None:
                store.switch_on(session, principal.tenant_id, before, author_of(session, principal), self.now())
            return store.active_version(session, principal.tenant_id)
