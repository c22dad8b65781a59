"""Whose an imported note is: rep and team by their names or CRM ids, made where the import may make them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.accounts import store as accounts
from service.accounts.store import AccountError
from service.accounts.tables import Person, Team
from service.imports.cells import RowFault
from service.imports.rows import Unknown
from service.imports.tables import Import, ImportRow


class Owners:
    """Looks the names of some rows up at once. `made` are ids of what was made, for a cancel to remove."""

    def __init__(self, session: Session, of: Import, unknown: Unknown, now: datetime, rows: Sequence[ImportRow]) -> None:
        self._session, self._import, self._unknown, self._now = session, of, unknown, now
        ids, names = {row.rep_id for row in rows if row.rep_id}, {row.rep for row in rows if row.rep}
        known = select(Person).where(Person.tenant_id == of.tenant_id, Person.external_id.in_(ids) | Person.name.in_(names))
        self._by_id: dict[str, Person] = {}
        self._by_name: dict[str, list[Person]] = {}
        for person in session.scalars(known):
            self._keep(person)
        self._teams: dict[str, str | RowFault] = {}
        self._people: dict[tuple[str | None, str | None, str | None], tuple[str, str | None] | RowFault] = {}
        self.made: list[str] = []

    def of(self, row: ImportRow) -> tuple[str | None, str | None] | RowFault:
        """(team id, person id) of a row. The import's own team goes before the row's, and that before the rep's."""
        team: str | RowFault | None = self._import.team_id
        if team is None and row.team:
            team = self._teams.get(row.team) or self._teams.setdefault(row.team, self._team(row.team))
        if isinstance(team, RowFault):
            return team
        if not row.rep and not row.rep_id:
            return team, None
        key = (row.rep_id, row.rep, team)
        person = self._people.get(key) or self._people.setdefault(key, self._person(row.rep_id, row.rep, team))
        if isinstance(person, RowFault):
            return person
        return team or person[1], person[0]

    def _team(self, name: str) -> str | RowFault:
        found = self._session.scalar(
            select(Team.id).where(Team.tenant_id == self._import.tenant_id, (Team.name == name) | (Team.id == name))
        )
        if found is not None:
            return found
        if self._unknown == "refuse":
            return RowFault("team", "没有这个团队")
        made = accounts.create_team(self._session, self._import.tenant_id, name, self._now).id
        self.made.append(made)
        return made

    def _person(self, external_id: str | None, name: str | None, team_id: str | None) -> tuple[str, str | None] | RowFault:
        tenant_id = self._import.tenant_id
        if external_id:
            person = self._by_id.get(external_id)
            # A trainer's import may not reach into another team by an id.
            if person is not None:
                outside = self._import.team_id is not None and person.team_id not in (None, self._import.team_id)
                return RowFault("rep_id", "这个工号属于别的团队") if outside else (person.id, person.team_id)
        else:
            named = [p for p in self._by_name.get(name or "", ()) if team_id is None or p.team_id in (None, team_id)]
            if len(named) > 1:
                return RowFault("rep", "有几个人叫这个名字，请用工号")
            if named:
                return named[0].id, named[0].team_id
        if self._unknown == "refuse":
            return RowFault("rep_id" if external_id else "rep", "没有这个人")
        try:
            made = accounts.create_person(self._session, tenant_id, name or external_id or "", "rep", team_id, external_id, self._now)
        except AccountError:
            return RowFault("rep_id", "这个工号刚刚被别人用了")
        self.made.append(made.id)
        self._keep(made)
        return made.id, made.team_id

    def _keep(self, person: Person) -> None:
        self._by_name.setdefault(person.name, []).append(person)
        if person.external_id:
            self._by_id[person.external_id] = person


def unmake(session: Session, tenant_id: str, ids: list[str]) -> None:
    """Remove people and teams that an import made, where nothing else uses them by now."""
    for table, prefix in ((Person, "pe_"), (Team, "tm_")):
        for one in ids:
            if one.startswith(prefix):
                try:
                    with session.begin_nested():
                        session.execute(delete(table).where(table.tenant_id == tenant_id, table.id == one))
                except IntegrityError:  # somebody gave the person a key, or notes of another source
                    continue
