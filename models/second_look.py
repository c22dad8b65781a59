"""The second look: what the first look found in one place is weighed against all it found elsewhere in the note.

The finders before this one each read the words around one person, amount or clause. Here four small networks read their answers together: who else is
in the note and in which part, which figures compare, what the clauses about a person carry (docs/experiments.md tells what each gained).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from models.clause_numbers import Numbers, clause_numbers, first_look
from models.content import content
from models.lexicon import columns
from models.network import Network
from models.people import ROLES, found_persons, surest_parts
from models.person_numbers import person_numbers
from models.price_numbers import price_numbers
from models.prices import decided as decided_prices
from models.rival_numbers import rival_numbers
from models.rivals import with_rivals

_FIRST_KP, _UNKNOWN = 2 + ROLES.index("first_kp"), 2 + ROLES.index("unknown")
Networks = tuple[Network, Network, Network, Network]
"""Of persons, of amounts, of names that may be competitors', of clauses."""


def _decided(network: Network, numbers: Sequence[Numbers | None]) -> list[Numbers]:
    """Each note's probabilities [items, outputs], from its items' numbers; None for a note without any."""
    given = [own for own in numbers if own is not None]
    table = network.probabilities(np.concatenate(given)) if given else np.zeros((0, len(network.outputs)), dtype=np.float32)
    ends = list(accumulate(0 if own is None else len(own) for own in numbers))
    return [table[end - (0 if own is None else len(own)) : end] for own, end in zip(numbers, ends, strict=True)]


def _persons(doc: Doc, seen: Numbers) -> Numbers:
    """[candidates, 2 + ROLES] from the network's outputs; of whom the note says that he decides himself, an unknown part is the first KP's."""
    found = doc._
    seen[:, 1] /= seen[:, 0]
    seen[:, 2:] /= seen[:, 2:].sum(axis=1, keepdims=True)
    for row, candidate in zip(seen, found.candidates, strict=True):
        if candidate.told == "self":
            row[_FIRST_KP] += row[_UNKNOWN]
            row[_UNKNOWN] = 0
    return seen


class SecondLook:
    """Writes doc._.person_table, people, prices, names and clause_probabilities anew. Needs: the same of the first look, with price_table and rival_table."""

    def __init__(self) -> None:
        self._networks: Networks | None = None
        self.groups = columns("cues.tsv")

    def use(self, networks: Networks) -> None:
        """Decide by these networks."""
        self._networks = networks

    def write(self, docs: Sequence[Doc]) -> None:
        """Decide several notes at once."""
        read = [doc for doc in docs if doc._.clauses]
        if self._networks is None or not read:
            return
        views = [content(doc) for doc in read]
        persons, amounts, rivals, clauses = self._networks
        looks = [first_look(view, self.groups) for view in views]
        tables = zip(
            _decided(persons, [person_numbers(view, look) for view, look in zip(views, looks, strict=True)]),
            _decided(amounts, [price_numbers(view, look) for view, look in zip(views, looks, strict=True)]),
            _decided(rivals, [rival_numbers(view, look) for view, look in zip(views, looks, strict=True)]),
            _decided(clauses, [clause_numbers(view, look) for view, look in zip(views, looks, strict=True)]),
            strict=True,
        )
        for doc, (person_table, price_table, rival_table, clause_table) in zip(read, tables, strict=True):
            found = doc._
            seen = found.person_table = _persons(doc, person_table)
            found.people = found_persons(found.candidates, seen, surest_parts(seen))
            found.names = with_rivals(doc, rival_table[:, 0])
            found.prices = decided_prices(doc, price_table)
            table = found.clause_probabilities.copy()
            kept = list(found.content)
            table[kept] = (table[kept] + clause_table) / 2
            found.clause_probabilities = table

    def __call__(self, doc: Doc) -> Doc:
        self.write([doc])
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self._networks, Path(path) / "second_look.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> SecondLook:
        self.use(joblib.load(Path(path) / "second_look.joblib"))
        return self


@Language.factory(
    "second_look",
    assigns=["doc._.person_table", "doc._.people", "doc._.prices", "doc._.names", "doc._.clause_probabilities"],
    requires=["doc._.people", "doc._.prices", "doc._.rival_table", "doc._.clause_probabilities", "doc._.contexts", "doc._.content"],
)
def create_second_look(nlp: Language, name: str) -> SecondLook:
    return SecondLook()
