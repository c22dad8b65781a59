"""The customer's people: which candidates they are, each with its part in the decision and whether it was met."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import DecisionRole
from models.candidates import Candidate, CandidateFinder
from models.linear import LinearHeads, SharedHeads, to_write
from models.surroundings import sense_features, word_features

ROLES: tuple[DecisionRole, ...] = ("first_kp", "influencer", "contact", "unknown")
DEPARTMENT = re.compile(
    r"(?:[\u4e00-\u9fff](?:部|科|处|课|股|室|站|组|办|班|队|段|门|中心|车间)|总务|食堂|仓库|车间|后厨|门店|机修|动力|工艺|版房|库房|伙房|药房|药剂|工会"
    r"|工程|设备|生产|技术|行政|人事|人力|品质|品管|品控|质检|研发|安环|安全|安保|电工|机电|基建|教务|德育|招生|厂务|房务|餐饮|客房|前厅|物业|水电|运维|网管|信息|IT|综合"
    r"|内|外|儿|妇产|骨|眼|口腔|心内|护理|检验|放射|超声|暖通|项目|预算|成本|合约|招采|采购|物资|材料|供应|供应链|供销|外贸|跟单|计划|调度|物流|车队|仓管|仓储|后勤|财务"
    r"|运营|市场|营销|销售|商务|企划|策划|电商|商品|大客户|客服|法务|审计)(?:上|门|口)?(?:的|嘅|个|嘞|那个|一个|[,，:： 、。/|]){0,2}$"
)
"""What ends so before a mention is where the person works (labels.md: a department title is an influencer)."""
PERSON_THRESHOLD = 0.5
"""Chosen on train held out by writer, where 0.42 to 0.56 are within 0.3 (docs/experiments.md)."""


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A candidate taken for a person of the customer's side."""

    mention: str
    start: int
    end: int
    places: tuple[tuple[int, int], ...]
    title: str | None
    role: DecisionRole
    role_probability: float
    met: bool
    probability: float


def person_features(doc: Doc, candidates: Sequence[Candidate]) -> list[list[str]]:
    """One list of features a candidate: its form, what stands around each mention, and the cues of its clauses."""
    text, clauses, contexts = doc._.text, doc._.clauses, doc._.contexts
    starts = [c.start for c in clauses]
    note_groups = sorted({g for c in contexts for h in c.hits for g in h.groups if g in ("kp", "authority", "absent", "colleague")})
    n = len(candidates)
    out: list[list[str]] = []
    has_top = any(c.title_group in ("top", "owner") for c in candidates)
    peopled = {bisect_right(starts, s) - 1 for c in candidates for s, _ in c.places}
    for index, candidate in enumerate(candidates):
        m = candidate.mention
        f = [f"g={candidate.title_group}", f"t={candidate.title}", f"len={min(len(m), 5)}", f"crf={round(candidate.crf * 4)}", f"last={m[-1]}",
             f"i={min(index, 3)}", f"n={min(n, 4)}", f"count={min(len(candidate.places), 4)}", f"full={m if candidate.title == m else '*'}", f"top={has_top}",
             f"ti={candidate.title_group}|{min(index, 1)}|{min(n, 2)}"]  # fmt: skip
        for hit in candidate.titles:
            f += ("th=" + hit.phrase, *map("thg=".__add__, hit.groups))
        f += ["note=" + g for g in note_groups]
        f += [f"tg={candidate.title_group}|{g}" for g in note_groups]
        for start, end in candidate.places:
            before, after = text[max(0, start - 9) : start], text[end : end + 4]
            f += [f"p1={before[-1:]}", f"p2={before[-2:]}", f"p3={before[-3:]}", f"a1={after[:1]}", f"a2={after[:2]}", f"a3={after[:3]}"]
            if DEPARTMENT.search(before):
                f += ["department", f"dept|{candidate.title}", f"dept|{candidate.title_group}"]
            if re.search(r"我们|我司|咱们?|我方|公司|同事|陪|带着?|师傅$", before[-4:]):
                f.append("ours-before")
            at = bisect_right(starts, start) - 1
            if at < 0:
                continue
            f += word_features(doc, at, start, end, lambda j: "o" if j in peopled else "")
            f += sense_features(doc, at, start, end)
            clause, context = clauses[at], contexts[at]
            for h in context.hits:
                side = "A" if h.start >= end else "B" if h.end <= start else "I"
                mark = "!" if h.start in context.negated else ""
                f += [f"{side}{mark}{g}" for g in h.groups]
                if h.start - end in (0, 1, 2, 3) or start - h.end in (0, 1):
                    f.append(f"{side}near={h.phrase}")
                    f += [f"{side}n{mark}{g}" for g in h.groups]
            f += [f"cs={context.speaker}", f"lab={clause.label}"]
            f += [f"guess={context.guess}", f"hyp={context.hypothetical}", f"early={context.earlier}"]
        told = candidate.told
        if told:
            f += (f"told={told}", f"told={told}|{candidate.title_group}", f"told={told}|n={min(n, 3)}")
        out.append(f)
    return out


Part = tuple[int, bool]
"""A person's role (column of ROLES) and whether the rep reached him."""


def there(table: NDArray[np.float32]) -> list[int]:
    """Which candidates are persons of the customer's side. `table`: see PeopleFinder.probabilities."""
    return np.flatnonzero(table[:, 0] >= PERSON_THRESHOLD).tolist()


def surest_parts(table: NDArray[np.float32]) -> list[Part]:
    """The most probable part of each person there."""
    return [(max(range(len(ROLES)), key=row[2:].__getitem__), row[1] >= 0.5) for row in table[there(table)].tolist()]


def found_persons(candidates: Sequence[Candidate], table: NDArray[np.float32], parts: Sequence[Part]) -> tuple[FoundPerson, ...]:
    """The persons there with their parts, in order of their fullest mention."""
    found = []
    for k, (role, met) in zip(there(table), parts, strict=True):
        c = candidates[k]
        found.append(
            FoundPerson(c.mention, c.start, c.end, c.places, c.title, ROLES[role], float(table[k, 2 + role]), met, float(table[k, 0]))
        )
    return tuple(found)


class PeopleFinder:
    """Writes doc._.candidates, person_table and people. Needs: names, clauses, context. second_look.py decides anew."""

    def __init__(self) -> None:
        self._models: tuple[LinearHeads, LinearHeads] | None = None
        self.candidates = CandidateFinder()

    def use(self, models: tuple[LinearHeads, LinearHeads]) -> None:
        """Predict by these models: is-person and met, and the role."""
        self._models = models
        self._shared = SharedHeads(models)

    def probabilities(self, doc: Doc, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
        """[candidates, 2 + ROLES]: of being a person of the customer's side, of being met, and of each role."""
        if not candidates or self._models is None:
            return np.zeros((0, 2 + len(ROLES)), dtype=np.float32)
        return np.concatenate(self._shared.probabilities(person_features(doc, candidates)), axis=1)

    def __call__(self, doc: Doc) -> Doc:
        candidates = self.candidates(doc) if self._models else []
        table = self.probabilities(doc, candidates)
        doc._.candidates, doc._.person_table = candidates, table
        doc._.people = found_persons(candidates, table, surest_parts(table))
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(to_write(*self._models or ()), Path(path) / "people.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> PeopleFinder:
        first, second = joblib.load(Path(path) / "people.joblib")
        self.use((first, second))
        self._models = first.lean(), second.lean()
        return self


@Language.factory(
    "people",
    assigns=["doc._.candidates", "doc._.person_table", "doc._.people"],
    requires=["doc._.names", "doc._.clauses", "doc._.contexts"],
)
def create_people(nlp: Language, name: str) -> PeopleFinder:
    return PeopleFinder()
