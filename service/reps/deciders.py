"""Who decides, through all visits: who was named, since when nobody has met him, and where two notes contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from models.analysis import DecisionRole, Person
from service.reps.visits import Evidence, Visit, shortened

LONGEST_NAME = 20


@dataclass(frozen=True, slots=True)
class Decider:
    """Somebody whom a note takes for the first KP. `met` is None where no note says that he was met: then the claim is unproven."""

    name: str
    since: date
    named: Evidence
    met: Evidence | None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two notes that cannot both be right."""

    text: str
    earlier: Evidence
    later: Evidence


@dataclass
class _Known:
    name: str
    said: list[tuple[Visit, Person]] = field(default_factory=list)


_ROLES: dict[DecisionRole, str] = {"first_kp": "能拍板", "influencer": "只是影响者", "contact": "只是联络人"}


def _same(one: str, other: str) -> bool:
    """老板林国荣 and 林国荣 are the same, 王总 and 李总 are not. A bare title (老板) is nobody's name but its own."""
    return one == other or (min(len(one), len(other)) >= 3 and (one in other or other in one))


def _people(visits: Sequence[Visit]) -> list[_Known]:
    known: list[_Known] = []
    for visit in visits:
        for person in visit.analysis.people:
            match = next((k for k in known if _same(k.name, person.mention)), None)
            if match is None:
                match = _Known(person.mention)
                known.append(match)
            match.said.append((visit, person))
    return known


def deciders(visits: Sequence[Visit]) -> list[Decider]:
    """Those taken for the first KP, the last named first. `visits` are in the order of time."""
    out = []
    for known in _people(visits):
        claims = [(v, p) for v, p in known.said if p.decision_role == "first_kp"]
        if not claims:
            continue
        visit, person = claims[0]
        met = next(((v, p) for v, p in reversed(known.said) if p.met), None)
        seen = None if met is None else met[0].sentence(met[1].start, met[1].end)
        out.append(
            (
                claims[-1][0].visited_at,
                Decider(shortened(known.name, LONGEST_NAME), visit.visited_at, visit.sentence(person.start, person.end), seen),
            )
        )
    return [d for _, d in sorted(out, key=lambda pair: pair[0], reverse=True)]


def contradictions(visits: Sequence[Visit]) -> list[Contradiction]:
    """Where a later note gives the same person another part, or another person the last word; the newest first."""
    out = []
    for known in _people(visits):
        sure = [(v, p) for v, p in known.said if p.decision_role in _ROLES and not p.needs_review]
        for (before, was), (after, now) in pairwise(sure):
            if was.decision_role != now.decision_role and "first_kp" in (was.decision_role, now.decision_role):
                text = f"{shortened(known.name, LONGEST_NAME)}：先说{_ROLES[was.decision_role]}，后来说{_ROLES[now.decision_role]}"
                out.append(Contradiction(text, before.sentence(was.start, was.end), after.sentence(now.start, now.end)))
    named = [(v, p) for v in visits for p in v.analysis.people if p.decision_role == "first_kp" and not p.needs_review]
    for (before, was), (after, now) in pairwise(named):
        # Within one note two deciders may stand side by side; 老板 one day and 王总 the next may be one man.
        if before.note_id != after.note_id and len(was.mention) >= 2 and _differ(was.mention, now.mention):
            text = f"拍板的人前后说得不一样：先是{shortened(was.mention, LONGEST_NAME)}，后来是{shortened(now.mention, LONGEST_NAME)}"
            out.append(Contradiction(text, before.sentence(was.start, was.end), after.sentence(now.start, now.end)))
    return sorted(out, key=lambda c: c.later.visited_at, reverse=True)


_TITLES = ("老板娘", "老板", "董事长", "总经理", "厂长", "总", "董", "院长", "校长", "局长", "经理", "主任", "科长", "处长")


def _differ(one: str, other: str) -> bool:
    """Two names with different surnames before a title: 王总, 李总. Where one is a bare title nothing is said."""
    if one in other or other in one:
        return False
    surnames = []
    for name in (one, other):
        bare = next((name[: -len(t)] for t in _TITLES if name.endswith(t)), name)
        if not bare or bare in ("他们", "我们", "客户", "大", "副", "这家"):
            return False
        surnames.append(bare[0])
    return surnames[0] != surnames[1]
