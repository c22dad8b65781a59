"""The customer's class, A to D, where the note states it: the class after this visit if it changes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import CustomerClassLabel

_PATTERNS = [
    re.compile(
        r"(?:由|从)?[A-D](?:类|级)?\s?(?:客户)?(?:转|降|升|调|改|变|->|→)(?:为|成|到|至)?\s?(?P<label>[A-D])(?![A-Za-z0-9])(?:类|级)?(?:客户)?"
    ),
    re.compile(
        r"(?:转|降|升|调|改|划|归|定|列|放|挪|打|退|掉|提)(?:为|成|到|至|回|进|入|作|去)?(?:了)?\s?(?P<label>[A-D])(?:类|级|档|(?![A-Za-z0-9]))(?:客户)?"
    ),
    re.compile(r"(?<![A-Za-z])(?P<label>[A-D])\s?(?:类|级(?!钢|电))(?:客户)?"),
    re.compile(r"(?:分类|类别|级别|等级|评级|客户级|客户类型|类型|定级|意向|客户等级)\s?[::]?\s?(?P<label>[A-D])(?![A-Za-z0-9])"),
    re.compile(r"[(\[【|](?P<label>[A-D])[)\]】|]"),
    re.compile(r"(?:先|就|该|改|算|是|挂)(?P<label>[A-D])(?=[,。;!\s吧了算]|$)"),
]
_LABELS: dict[str, CustomerClassLabel] = {"A": "A", "B": "B", "C": "C", "D": "D"}
_DENIED = re.compile(
    r"(?:不是|不算|不该是|不该|别|没到|够不上|不再是|不能算|算不上|原来?是?|之前是?|当初|一直标的|一直当|原先)[^,。;!?]{0,4}$"
)
_GRADE = re.compile(r"(?:座|栋|楼|区|门|幢|馆|厅|轮|股|柱|型|口|相|面|罩|照|级品|类地|级写|级资质|类火灾|类器械|类医疗)")


@dataclass(frozen=True, slots=True)
class FoundClass:
    """`text[start:end]` of the normalised note states the class."""

    label: CustomerClassLabel
    start: int
    end: int


def find_class(text: str) -> FoundClass | None:
    """The last stated class; a stated change (由B转A, 降D) wins over a bare one, a denied or former one does not count."""
    best: tuple[int, int, FoundClass] | None = None
    for rank, pattern in enumerate(_PATTERNS):
        for m in pattern.finditer(text):
            if _GRADE.match(text, m.end()) or (rank > 1 and _DENIED.search(text, 0, m.start())):
                continue
            strength = 1 if rank < 2 or rank == 5 else 0
            if best is None or (strength, m.start()) > best[:2]:
                best = (strength, m.start(), FoundClass(_LABELS[m["label"]], m.start(), m.end()))
    return best[2] if best else None


@Language.component("customer_class", assigns=["doc._.customer_class"])
def customer_class(doc: Doc) -> Doc:
    doc._.customer_class = find_class(doc._.text)
    return doc
