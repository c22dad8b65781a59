"""The second look: what the first look found in one place is weighed against all it found elsewhere in the note.

The finders before this one each read the words around one person, amount or clause. Here four small networks read their answers together: who else is
in the note and in which part, which figures compare, what the clauses about a person carry (docs/experiments.md tells what each gained).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
from spacy.language import Language
from spacy.tokens import Doc

from models.clause_numbers import clause_numbers, first_look
from models.lexicon import grouped
from models.network import Network
from models.people import decided as decided_people
from models.person_numbers import person_numbers
from models.price_numbers import price_numbers
from models.prices import decided as decided_prices
from models.rival_numbers import rival_numbers
from models.rivals import with_rivals

Networks = tuple[Network, Network, Network, Network]
"""Of persons, of amounts, of names that may be competitors', of clauses."""


class SecondLook:
    """Writes doc._.people, prices, names and clause_probabilities anew. Needs: the same of the first look, with person_table, price_table and rival_table."""

    def __init__(self) -> None:
        self._networks: Networks | None = None
        self.groups = {group: i for i, group in enumerate(sorted(grouped("cues.tsv")))}

    def use(self, networks: Networks) -> None:
        """Decide by these networks."""
        self._networks = networks

    def __call__(self, doc: Doc) -> Doc:
        if self._networks is None or not doc._.clauses:
            return doc
        persons, amounts, rivals, clauses = self._networks
        found = doc._
        look = first_look(doc, self.groups)
        table = (found.clause_probabilities + clauses.probabilities_of_all(clause_numbers(doc, look))) / 2
        prices = amounts.probabilities_of_all(price_numbers(doc, found.price_table, look)) if found.amounts else found.price_table
        if found.rival_candidates:
            found.names = with_rivals(doc, rivals.probabilities_of_all(rival_numbers(doc, look))[:, 0])
        if found.candidates:
            seen = persons.probabilities_of_all(person_numbers(doc, found.candidates, found.person_table, look))
            seen[:, 1] /= seen[:, 0]
            seen[:, 2:] /= seen[:, 2:].sum(axis=1, keepdims=True)
            found.people = decided_people(found.candidates, seen)
        found.prices = decided_prices(doc, prices)
        found.clause_probabilities = table
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self._networks, Path(path) / "second_look.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> SecondLook:
        self.use(joblib.load(Path(path) / "second_look.joblib"))
        return self


@Language.factory(
    "second_look",
    assigns=["doc._.people", "doc._.prices", "doc._.names", "doc._.clause_probabilities"],
    requires=["doc._.people", "doc._.prices", "doc._.rival_table", "doc._.clause_probabilities", "doc._.contexts"],
)
def create_second_look(nlp: Language, name: str) -> SecondLook:
    return SecondLook()
