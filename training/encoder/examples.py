"""What the encoder is fitted on: windows of notes and snippets, with the tags of their pieces and the targets of the stretches in them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from models.encoder import TAGS, windows
from models.people import ROLES
from models.pieces import BEGIN, END, Pieces
from models.text import normalize
from training.augment import variant
from training.corpus import LabelledNote
from training.encoding import half_of
from training.targets import (
    clause_targets,
    name_tags,
    person_targets,
    places,
    price_targets,
    rival_targets,
    status_targets,
    undecided_prices,
)

KINDS = ("pers", "am", "rv", "cl")
"""Persons, amounts, names that may be competitors', clauses: as models/span_heads.py calls their heads."""
UNKNOWN = -1
_STOPS = frozenset("，。！？；：、,.!?;:")
Stretch = tuple[list[int], Any]
"""Pieces of a window, and what they are: is-person, met and role; a price's role; whether it is a competitor; each head and whether it is resolved."""


@dataclass(frozen=True, slots=True)
class Window:
    """ids of the pieces with BEGIN and END around, the tag of each (UNKNOWN around), the text of each between them, and the stretches by KINDS."""

    half: int
    ids: list[int]
    tags: list[int]
    texts: list[str]
    stretches: dict[str, list[Stretch]]

    def without_stops(self, space: int | None = None) -> Window:
        """The same as it would read unpunctuated: stops gone, or a piece `space` for each, but those inside a figure."""
        last = len(self.texts) - 1
        kept, ids = [0], list(self.ids)
        for i, text in enumerate(self.texts):
            inside = 0 < i < last and self.texts[i - 1][-1:].isdigit() and self.texts[i + 1][:1].isdigit()
            if text in _STOPS and not inside and space is not None:
                ids[i + 1] = space
            if text not in _STOPS or inside or space is not None:
                kept.append(i + 1)
        kept.append(last + 2)
        place = {old: new for new, old in enumerate(kept)}
        stretches = {
            kind: [(moved, target) for pieces, target in own if (moved := [place[p] for p in pieces if p in place])]
            for kind, own in self.stretches.items()
        }
        return replace(self, ids=[ids[k] for k in kept], tags=[self.tags[k] for k in kept], stretches=stretches)


Found = list[tuple[list[list[int]], Any]]


def _persons(note: LabelledNote, doc: Doc, spots: Any, touched: Any) -> Found:
    """Whoever the labels name, and the candidates that they do not."""
    found: Found = [
        ([touched(*spot) for spot in own], (1, int(p["met"]), ROLES.index(p["decision_role"])))
        for p in note["people"]
        if (own := spots(p["mention"]))
    ]
    named = {tuple(sorted({x for place in places for x in place})) for places, _ in found}
    binary, _ = person_targets(note, list(doc._.candidates))
    for candidate, (person, _) in zip(doc._.candidates, binary.tolist(), strict=True):
        own = [touched(*place) for place in candidate.places]
        if person == 0 and tuple(sorted({x for place in own for x in place})) not in named:
            found.append((own, (0, UNKNOWN, UNKNOWN)))
    return found


def readings(nlp: Language, pieces: Pieces, notes: Sequence[LabelledNote], variants: int) -> list[list[list[Window]]]:
    """Of each note the windows of each way that it is read: as written, then `variants` times with other names where it holds any.

    A trained pipeline tells clauses, amounts, who and what may be taken for a person or a competitor, and which sentences tell something.
    """
    before = [component for _, component in takewhile(lambda own: own[0] != "encoder", nlp.pipeline)]
    out: list[list[list[Window]]] = []
    for note in notes:
        rng = random.Random(note["id"])
        named = bool(note["people"] or note["competitors"])
        others = [variant(note, rng, drop_stops=False) for _ in range(variants if named else 0)]
        ways = [_windows(nlp, before, pieces, way) for way in (note, *others)]
        if ways[0]:
            out.append([own for own in ways if own])
    return out


def _windows(nlp: Language, components: Sequence[Any], pieces: Pieces, note: LabelledNote) -> list[Window]:
    normalized = normalize(note["text"])
    doc = nlp.make_doc(normalized.text)
    for component in components:
        doc = component(doc)
    cut = pieces(normalized.text)
    if not len(cut.ids) or not doc._.clauses:
        return []

    def touched(start: int, end: int, cut: Any = cut) -> list[int]:
        return list(range(int(np.searchsorted(cut.ends, start, "right")), int(np.searchsorted(cut.starts, end, "left"))))

    amounts = doc._.amounts
    roles = price_targets(note, amounts)
    undecided = undecided_prices(note, amounts, roles) & (roles == 0)
    status = dict(status_targets(note, doc, normalized))
    found: dict[str, Found] = {
        "pers": _persons(note, doc, lambda mention, n=normalized, t=note["text"]: places(n, t, mention), touched),
        "am": [([touched(a.start, a.quote_end)], UNKNOWN if u else int(r)) for a, r, u in zip(amounts, roles, undecided, strict=True)],
        "rv": [
            ([touched(c.start, c.end)], int(t))
            for c, t in zip(doc._.rival_candidates, rival_targets(note, doc._.rival_candidates, normalized.text).ravel(), strict=True)
        ],
        "cl": [
            ([touched(c.start, c.end)], [*map(int, own), status.get(i, UNKNOWN)])
            for i, (c, own) in enumerate(zip(doc._.clauses, clause_targets(note, doc, normalized), strict=True))
        ],
    }
    letters = name_tags(note, doc, normalized)
    tags = [TAGS.index(next((t for t in letters[a:b] if t != "O"), "")) for a, b in zip(cut.starts, cut.ends, strict=True)]
    texts = [normalized.text[a:b] for a, b in zip(cut.starts, cut.ends, strict=True)]
    out: list[Window] = []
    for rows in windows(doc, cut.starts):
        place = {piece: number for number, piece in enumerate(rows, 1)}
        stretches = {
            kind: [(own, target) for spots, target in entries if (own := sorted({place[p] for spot in spots for p in spot if p in place}))]
            for kind, entries in found.items()
        }
        ids = [BEGIN, *cut.ids[rows].tolist(), END]
        out.append(Window(half_of(note), ids, [UNKNOWN, *(tags[p] for p in rows), UNKNOWN], [texts[p] for p in rows], stretches))
    return out
