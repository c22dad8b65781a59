"""What the first look says of each person, as numbers: part and reach, those of the others, and what the clauses about him carry."""

from __future__ import annotations

import numpy as np
from spacy.tokens import Doc

from models.clause_numbers import ABSENT, Look, Numbers, apart_of, log_odds

_TITLE_GROUPS = ("top", "owner", "staff", "gate", "family", "vague", "after", "none")


def person_numbers(doc: Doc, look: Look) -> Numbers | None:
    """[candidates, numbers] of doc._.candidates, whose first probabilities are doc._.person_table; None where there are none."""
    candidates, table = doc._.candidates, doc._.person_table
    if not candidates:
        return None
    size, clauses = len(candidates), len(look.starts)
    here = np.zeros((size, clauses + 2), dtype=bool)
    for k, candidate in enumerate(candidates):
        for start, _ in candidate.places:
            here[k, look.clause_of(start) + 1] = True
    own, following, preceding = here[:, 1:-1], here[:, :-2], here[:, 2:]
    heads = look.heads[2:-2]

    def strongest(where: np.ndarray) -> Numbers:
        out = np.full((size, heads.shape[1]), ABSENT, dtype=np.float32)
        person, clause = where.nonzero()
        if len(person):
            begins = np.flatnonzero(np.diff(person, prepend=-1))
            out[person[begins]] = np.maximum.reduceat(heads[clause], begins, axis=0)
        return np.maximum(out, ABSENT)

    starts = np.array([c.start for c in candidates])
    in_own = own[:, look.hit_clauses]
    later = look.hit_starts >= starts[:, None]
    cues = [(where.astype(np.float32) @ look.hits) for where in (in_own & later, in_own & ~later, following[:, look.hit_clauses])]

    others = np.where(np.eye(size, dtype=bool)[:, :, None], 0, table)
    weighed = (others * table[None, :, :1]).sum(axis=1)
    before = np.concatenate([[0.0], np.cumsum(table[:-1, 0])])
    ranks = (table[None, :, 2:] > table[:, None, 2:]).sum(axis=1)
    first_clause = own.argmax(axis=1)
    form = np.array(
        [
            [
                size / 4,
                k / max(1, size - 1),
                len(c.places) / 3,
                before[k],
                c.crf,
                len(c.mention) / 4,
                min(clauses, 20) / 10,
                first_clause[k] / max(1, clauses - 1),
            ]
            + [c.title_group == group for group in _TITLE_GROUPS]
            for k, c in enumerate(candidates)
        ]
    )
    note = np.broadcast_to(look.heads.max(axis=0), (size, look.heads.shape[1]))
    parts = [
        log_odds(table),
        others.max(axis=1),
        weighed,
        strongest(own),
        strongest(following),
        strongest(preceding),
        note,
        *cues,
        ranks,
        form,
        apart_of(doc, "persons", table),
    ]
    return np.concatenate(parts, axis=1, dtype=np.float32)
