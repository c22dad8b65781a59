"""Which sentences of a note tell anything of the visit: what is read of the note as a whole reads these alone.

Pleasantries, weather and promises to keep in touch tell nothing, however many there are and wherever they stand. Read along, they made the rest of a note look
as empty as themselves: two of them cost two notes in three more than 3 points (docs/experiments.md, "Empty sentences").
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from models.clause_heads import COLUMN
from models.extensions import EXTENSIONS, Reading
from models.telling import general_remarks

EMPTY = 0.2
"""A sentence is empty where no clause carries anything with this probability."""
NOBODY = 0.1
"""And nobody is named with this one. Both chosen on train held out by writer (docs/experiments.md)."""
NO_RIVAL = 0.3
"""Nor a competitor with this one: many an ordinary word may be a brand (意向较强). No labelled quote or mention of dev and test stands in a sentence that tells nothing for it."""
_REFLECTION = COLUMN["ev_reflection"]


def content_of(doc: Doc) -> tuple[int, ...]:
    """The clauses of the sentences that tell something: by the clause heads, by a figure, or by who may be named; but no general self-remark does.
    All clauses where no sentence does."""
    found = doc._
    clauses = found.clauses
    if not clauses:
        return ()
    starts = [clause.start for clause in clauses]
    places = [amount.start for amount in found.amounts]
    places += [c.start for c, p in zip(found.rival_candidates, found.rival_table.tolist(), strict=False) if p >= NO_RIVAL]
    places += [
        start for c, p in zip(found.candidates, found.person_table[:, 0].tolist(), strict=True) if p >= NOBODY for start, _ in c.places
    ]
    telling = {clauses[max(0, bisect_right(starts, place) - 1)].sentence for place in places}
    table, general = found.clause_probabilities, general_remarks(doc)
    if general:
        table = table.copy()
        table[[i for i, clause in enumerate(clauses) if clause.sentence in general], _REFLECTION] = 0
    telling |= {clauses[i].sentence for i in np.flatnonzero(table.max(axis=1) >= EMPTY).tolist()}
    return tuple(i for i, clause in enumerate(clauses) if clause.sentence in telling) or tuple(range(len(clauses)))


def content(doc: Doc) -> Doc:
    """A Reading in which only the clauses of doc._.content stand, with their contexts, probabilities and times; all else is the note's."""
    found = doc._
    kept = found.content
    if len(kept) == len(found.clauses):
        return doc
    reading = Reading()
    for name in EXTENSIONS:
        setattr(reading._, name, getattr(found, name))
    clauses = reading._.clauses = tuple(found.clauses[i] for i in kept)
    starts = [clause.start for clause in clauses]
    reading._.times = tuple(t for t in found.times if (i := bisect_right(starts, t.start)) and t.start < clauses[i - 1].end)
    reading._.contexts = tuple(found.contexts[i] for i in kept)
    reading._.clause_probabilities = found.clause_probabilities[list(kept)]
    if found.apart is not None:
        reading._.apart = found.apart._replace(clauses=found.apart.clauses[list(kept)])
    return reading  # type: ignore[return-value]


@Language.component(
    "content", assigns=["doc._.content"], requires=["doc._.clause_probabilities", "doc._.person_table", "doc._.rival_table"]
)
def tell_content(doc: Doc) -> Doc:
    """Writes doc._.content. Needs: clauses, amounts, rivals, people, clause_heads of the first look."""
    doc._.content = content_of(doc)
    return doc
