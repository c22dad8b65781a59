"""Words of the rubric's pages: what stands in braces, what differs between two versions, what is at fault in a form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.labels import DIMENSIONS, QUESTION_IDS
from models.quality import dimension_texts
from models.questions import Catalogue
from models.rubric import addition_texts
from service.problems import FieldFault
from service.rubrics.content import ADDITION_LENGTH, ADVICE_LENGTH, HEAVIEST, QUESTION_LENGTH, WHOLE, RubricContent

SLOTS = {
    "person": "今天谈的人",
    "above": "他上面拍板的人",
    "rival": "对手",
    "ours": "我方报价",
    "theirs": "对手报价",
    "offer": "客户出价",
    "gap": "差额",
    "class": "客户分类",
    "need": "客户的需求",
    "objection": "客户说的理由",
    "price": "客户嫌贵的话",
    "payment": "客户说没钱的话",
    "stall": "客户拖延的话",
    "product": "客户怀疑产品的话",
    "trust": "客户不放心的话",
    "incumbent": "客户说已有供应商的话",
    "signed": "签单的话（签了的记录才有）",
}
"""What a name in braces becomes."""
LEVELS = (("absent", "没写到"), ("vague", "写得笼统"))
TEXTS = (("advice", "建议", ADVICE_LENGTH), ("additions", "补什么", ADDITION_LENGTH))
_SAID = {
    "weights": f"每项满分是 0 到 {HEAVIEST} 之间的双数，十项合计要正好 {WHOLE} 分。",
    "advice": f"建议每句最多 {ADVICE_LENGTH} 个字，只写一行。",
    "additions": f"“补什么”每句最多 {ADDITION_LENGTH} 个字，只写一行。",
    "questions": f"复盘问题每句最多 {QUESTION_LENGTH} 个字，只写一行；花括号要成对，里面只能用下面列出的名字。",
    "remark": "说明最多 200 个字。",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A weight or wording that two versions have differently."""

    what: str
    before: str
    after: str


def version_name(version: int) -> str:
    """A version in words."""
    return f"第 {version} 版" if version else "默认评分表"


def standard_texts(kind: str) -> dict[str, tuple[str, str]]:
    """Our own wording of advice or additions: dimension id to the lines at level 0 and 1."""
    return {d: (zero, one) for d, (_, zero, one) in dimension_texts().items()} if kind == "advice" else addition_texts()


def standard_questions() -> dict[str, str]:
    """Our own plainest wording of each question."""
    catalogue = Catalogue()
    return {id_: catalogue.wordings[id_][-1][0] for id_ in QUESTION_IDS}


def text_of(content: RubricContent, kind: str, dimension: str, level: str) -> str | None:
    """A version's own wording of a line; None where it has none."""
    texts = getattr(content, kind).get(dimension)
    return getattr(texts, level) if texts else None


def changes(before: RubricContent, after: RubricContent) -> list[Change]:
    """What differs, in the order of the form."""
    names = {d: dimension_texts()[d][0] for d in DIMENSIONS}
    out = [
        Change(f"{names[d]}，满分", str(before.weights[d]), str(after.weights[d])) for d in DIMENSIONS if before.weights[d] != after.weights[d]
    ]  # fmt: skip
    for kind, word, _ in TEXTS:
        standard = standard_texts(kind)
        for d in DIMENSIONS:
            for place, (level, level_word) in enumerate(LEVELS):
                was, becomes = (text_of(c, kind, d, level) or standard[d][place] for c in (before, after))
                if was != becomes:
                    out.append(Change(f"{names[d]}，{word}（{level_word}）", was, becomes))
    ours = standard_questions()
    for id_ in QUESTION_IDS:
        was, becomes = (c.questions.get(id_) or ours[id_] for c in (before, after))
        if was != becomes:
            out.append(Change("复盘问题", was, becomes))
    return out


def faults_said(faults: Iterable[FieldFault]) -> list[str]:
    """What is at fault in a form, a sentence a part of it."""
    return list(dict.fromkeys(_SAID.get(fault.field.split(".")[0], "有一处填得不对。") for fault in faults))
