"""Chinese words of corrections, appeals and agreement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.lexicon import rows
from models.quality import dimension_texts
from models.questions import amount_text
from service.corrections.corrected import question_words
from service.texts import EXPLANATIONS, LABELS

FIELD_WORDS: dict[str, str] = {
    "kind": "类型", "outcome": "结果", "people": "客户的人", "kp_status": "见到第一KP", "objections": "异议", "price": "价格",
    "price.ours": "我方报价", "price.competitor": "对手报价", "price.customer": "客户出价", "price.gaps": "价格差距", "price.currency": "币种",
    "competitors": "对手", "customer_class": "客户分类", "next_step": "下一步", "funds_date": "到款时间", "must_ask": "复盘问题", "evidence": "得分依据",
}  # fmt: skip
STATES = {"open": "等培训师处理", "accepted": "接受了", "rejected": "没有接受"}
GONE = "已离开的培训师"
"""Stands for a trainer whose name was deleted."""
NOTHING = "无"


def field_word(field: str) -> str:
    """A field of labels in words."""
    dimension = field.removeprefix("rubric.")
    return FIELD_WORDS.get(field) or f"{dimension_texts()[dimension][0]}（程度）"


def _person(person: Mapping[str, Any]) -> str:
    return f"{person['mention']}（{LABELS['role'][person['decision_role']]}，{'见到了' if person['met'] else '没见到'}）"


def _objection(objection: Mapping[str, Any]) -> str:
    return f"{LABELS['objection'][objection['type']]}“{objection['quote']}”（{LABELS['status'][objection['status']]}）"


def _amount(value: Any) -> str:
    return NOTHING if value is None else amount_text(tuple(value) if isinstance(value, list) else value)


def _gap(gap: Mapping[str, Any]) -> str:
    amount, percent = gap["amount"], gap["percent"]
    ends = [end for end in (amount if isinstance(amount, list) else [percent if amount is None else amount]) if end is not None]
    size = f"{abs(percent):g}%" if amount is None else _amount(amount)
    return f"比{'对手' if gap['against'] == 'competitor' else '客户出价'}{'低' if max(ends) < 0 else '高'} {size}"


def value_words(field: str, value: Any) -> str:
    """A label's value in words."""
    if value is None or value in ([], {}):
        return NOTHING
    if field in ("kind", "outcome", "kp_status"):
        return LABELS[field][value]
    if field.startswith("rubric."):
        return f"{value} {EXPLANATIONS['level'][str(value)]}"
    if field.startswith("price.") and field not in ("price.gaps", "price.currency"):
        return _amount(value)
    if field == "next_step":
        return f"“{value['quote']}”" + (f"（{value['when']}）" if value["when"] else "")
    if field == "evidence":
        return "；".join(f"{dimension_texts()[d][0]}“{'”“'.join(quotes)}”" for d, quotes in value.items())
    lists = {"people": _person, "objections": _objection, "price.gaps": _gap}
    if field in lists:
        return "；".join(lists[field](v) for v in value)
    if field == "must_ask":
        return "；".join(question_words()[q] for q in value)
    return "、".join(value) if isinstance(value, list) else str(value)


def by_words(name: str) -> str:
    """Who corrected or decided."""
    return name or GONE


def finding_words(finding: Mapping[str, Any]) -> str:
    """What a rep says of a finding that is none."""
    return EXPLANATIONS["dispute"][finding["kind"]]


def editor_words() -> dict[str, Any]:
    """The words that the correction page's script takes."""
    texts = dimension_texts()
    return {
        **LABELS,
        "level": EXPLANATIONS["level"],
        "fields": {**FIELD_WORDS, **{f"rubric.{d}": texts[d][0] for d in texts}},
        "question": question_words(),
        "hint": {row[0]: list(row[2:]) for row in rows("dimensions.tsv")},
    }
