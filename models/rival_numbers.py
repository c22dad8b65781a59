"""What the first look says of each name that may be a competitor's, as numbers: how sure it is, of the others too, prices and people near, what the clause carries."""

from __future__ import annotations

from math import log

import numpy as np
from spacy.tokens import Doc

from models.clause_numbers import Look, Numbers, apart_of, log_odds

_NEAR = 20
"""Characters within which a price belongs to the name before it."""


def rival_numbers(doc: Doc, look: Look) -> Numbers | None:
    """[candidates, numbers] of doc._.rival_candidates, whose first probabilities are doc._.rival_table; None where there are none. Needs: people and prices of the first look."""
    found = doc._
    text, candidates, table = found.text, found.rival_candidates, found.rival_table
    if not candidates:
        return None
    size = len(candidates)
    at, around = look.around([c.start for c in candidates])
    others = np.where(np.eye(size, dtype=bool), 0, table)

    price_starts = {role: [p.start for p in found.prices if p.role.startswith(role)] for role in ("competitor", "ours", "gap")}
    named = [text[c.start : c.end] for c in candidates]
    told = []
    for k, (candidate, name) in enumerate(zip(candidates, named, strict=True)):
        same = [table[j] for j, other in enumerate(named) if j != k and (name in other or other in name)]
        behind = [sum(candidate.end <= p < candidate.end + _NEAR for p in price_starts[role]) for role in ("competitor", "ours")]
        context = found.contexts[at[k]]
        told.append(
            [
                log(candidate.probability + 1e-6),
                len(name) / 4,
                name.isascii(),
                size / 4,
                k / 4,
                max(same, default=0),
                len(same),
                text.count(name) - 1,
            ]
            + [*behind, sum(candidate.start - _NEAR < p < candidate.start for p in price_starts["competitor"])]
            + [len(price_starts[role]) for role in price_starts]
            + [len(found.people), any(s <= candidate.start < e for person in found.people for s, e in person.places)]
            + [len(look.starts) / 10, at[k] / max(1, len(look.starts) - 1), candidate.start < 6]
            + [context.guess, context.earlier, context.other_customer, context.hypothetical]
            + [context.speaker == "rep", context.speaker == "customer"]
        )
    own = [log_odds(table)[:, None], apart_of(doc, "rivals", table)[:, None], others.max(axis=1)[:, None], others.sum(axis=1)[:, None]]
    return np.concatenate([*own, around, np.array(told)], axis=1, dtype=np.float32)
