"""Addresses of what stands behind a number: lists of notes filtered as the number was counted."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from service.audits.selection import Selection


def _address(path: str, fields: Mapping[str, object]) -> str:
    given = {name: value for name, value in fields.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


class Links:
    """The addresses that a selection's numbers open."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._team = {"team": selection.team}
        self._scope = {"team": selection.team, "rep": selection.rep, "from": selection.since, "to": selection.until}

    def notes(self, **fields: object) -> str:
        """The selection's notes, narrowed by fields of NoteFilter (`since` and `until` by these names)."""
        named = {{"since": "from", "until": "to"}.get(name, name): value for name, value in fields.items()}
        return _address("/audit/notes", {**self._scope, **named})

    def of_rep(self, rep_id: str | None, **fields: object) -> str:
        """A rep's notes; for None those without a rep."""
        return self.notes(unassigned="true", **fields) if rep_id is None else self.notes(rep=rep_id, **fields)

    def of_customer(self, customer: str) -> str:
        """All of a customer's notes up to the period's end."""
        return _address("/audit/notes", {**self._team, "customer": customer, "to": self._selection.until})

    def note(self, note_id: str) -> str:
        """A note with its evidence."""
        return f"/audit/notes/{note_id}"

    def this(self, path: str, **fields: object) -> str:
        """The same selection at another address: a report, a chart, a list of customers."""
        chosen = self._selection
        return _address(path, {**self._scope, "step": chosen.step, "asleep_days": chosen.asleep_days, **fields})
