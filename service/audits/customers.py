"""Customers to speak about, by the method of the seeds: seen three times without the first KP, A-class customers that do not move, customers
asleep. All visits up to the period's last day count, whenever they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audits.facts import Facts
from service.audits.figures import FIRST_KP, SIGNED, UNASSIGNED
from service.audits.result import CustomerFigure, CustomerList, CustomerReason, RepCount
from service.audits.selection import Selection
from service.notes.facts import CUSTOMER_CLASS, KP, OUTCOME
from service.notes.tables import StoredNote

REASONS: tuple[CustomerReason, ...] = get_args(CustomerReason)
SEEN = 3
"""Days of visits after which the first KP should have been seen (看了三次没见到第一KP)."""
STANDING = 3
"""An A-class customer's last notes that are compared."""
ASLEEP_AT_MOST = 10
"""As many of a rep's customers may be asleep: "把我们沉睡的客户尽量降到10个以下"."""


@dataclass(frozen=True, slots=True)
class Found:
    """A customer of a list: its newest note, who wrote that, on how many days it was visited, and the last of them as an ordinal."""

    customer: str
    note_id: str
    rep_id: str | None
    visits: int
    last_day: int


def find(facts: Facts, selection: Selection) -> dict[CustomerReason, list[Found]]:
    """The customers of each list, those with the oldest last visit first. A customer who signed or was put into class D is done with."""
    named = np.flatnonzero(facts.customer >= 0)
    notes = facts.where(named[np.argsort(facts.customer[named], kind="stable")])  # within a customer the order of visits stays
    if not len(notes):
        return {reason: [] for reason in REASONS}
    changes = np.diff(notes.customer) != 0
    begins = np.concatenate([[0], np.flatnonzero(changes) + 1])
    lasts = np.concatenate([begins[1:], [len(notes)]]) - 1
    new_days = np.concatenate([[True], changes | (np.diff(notes.day) != 0)])
    visits = np.add.reduceat(new_days.astype(np.int64), begins)
    signed = np.logical_or.reduceat(notes.get(OUTCOME) == SIGNED, begins)
    met = np.logical_or.reduceat(notes.get(KP) == FIRST_KP, begins)
    class_ = notes.get(CUSTOMER_CLASS)
    stated = class_[np.maximum(np.maximum.reduceat(np.where(class_ > 0, np.arange(len(notes)), -1), begins), begins)]
    step = notes.level("next_step")
    stands = step[lasts] <= step[np.maximum(begins, lasts - STANDING + 1)]
    last_day = notes.day[lasts]
    open_ = ~signed & (stated != CUSTOMER_CLASS.labels.index("D"))
    recent = open_ & (last_day >= selection.since.toordinal())
    chosen: dict[CustomerReason, NDArray[np.bool_]] = {
        "unproven": recent & (visits >= SEEN) & ~met,
        "not_moving": recent & (visits >= 2) & stands & (stated == CUSTOMER_CLASS.labels.index("A")),
        "asleep": open_ & (last_day <= selection.until.toordinal() - selection.asleep_days),
    }
    return {
        reason: [
            Found(facts.customers[notes.customer[lasts[i]]], str(notes.ids[lasts[i]]), facts.people[notes.person[lasts[i]]], int(visits[i]), int(last_day[i]))
            for i in sorted(np.flatnonzero(mask).tolist(), key=lambda i: (last_day[i], facts.customers[notes.customer[lasts[i]]]))
        ]
        for reason, mask in chosen.items()
    }  # fmt: skip


def lists(session: Session, tenant_id: str, facts: Facts, selection: Selection, names: Mapping[str, str], limit: int) -> list[CustomerList]:
    """The three lists with up to `limit` customers each. A customer is its last visitor's."""
    found = find(facts, selection)
    called = _customer_names(session, tenant_id, list({f.note_id for customers in found.values() for f in customers[:limit]}))

    def rep_name(rep: str | None) -> str:
        return UNASSIGNED if rep is None else names.get(rep, rep)

    def figure(one: Found) -> CustomerFigure:
        visited = date.fromordinal(one.last_day)
        return CustomerFigure(
            customer=one.customer, name=called.get(one.note_id) or one.customer, rep_id=one.rep_id, rep=rep_name(one.rep_id), visits=one.visits,
            last_visit=visited, days_since=(selection.until - visited).days, note_id=one.note_id,
        )  # fmt: skip

    out = []
    for reason, customers in found.items():
        counts = Counter(f.rep_id for f in customers)
        by_rep = [RepCount(rep_id=rep, name=rep_name(rep), customers=n) for rep, n in counts.items()]
        by_rep.sort(key=lambda r: (-r.customers, r.name))
        out.append(CustomerList(reason=reason, count=len(customers), by_rep=by_rep, customers=[figure(f) for f in customers[:limit]]))
    return out


def _customer_names(session: Session, tenant_id: str, note_ids: list[str]) -> dict[str, str | None]:
    query = select(StoredNote.id, StoredNote.customer).where(StoredNote.tenant_id == tenant_id, StoredNote.id.in_(note_ids))
    return {row.id: row.customer for row in session.execute(query)}
