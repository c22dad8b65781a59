"""Chinese words for the labels, one place for page, embedded component and command line."""

from __future__ import annotations

from typing import Any

from models.lexicon import rows

LABELS: dict[str, dict[str, str]] = {
    "kind": {"diagnostic": "诊断型", "flow_of_events": "流水账"},
    "outcome": {"signed": "已签", "not_signed": "未签", "unclear": "看不出"},
    "role": {"first_kp": "第一KP", "influencer": "影响者", "contact": "联络人", "unknown": "身份未明"},
    "kp_status": {"met_first_kp": "见到了第一KP", "met_other_only": "只见到了别人", "met_nobody": "没见到人", "unclear": "不清楚是不是KP"},
    "objection": {
        "price": "价格",
        "payment": "资金/付款",
        "authority": "决策权",
        "stall": "习惯性拖延",
        "need": "需求",
        "product": "产品价值",
        "trust": "信任",
        "incumbent": "已有供应商",
    },
    "status": {"open": "未解决", "resolved": "已化解"},
    "price": {
        "ours": "我方报价",
        "competitor": "对手报价",
        "customer": "客户出价",
        "gap_competitor": "与对手差额",
        "gap_customer": "与客户差额",
        "other": "其他数字",
    },
}
EXPLANATIONS: dict[str, dict[str, str]] = {
    "role_why": {
        "first_kp": "能拍板的人",
        "influencer": "参与决定，但自己拍不了板",
        "contact": "接待或传话，不参与决定",
        "unknown": "记录里看不出他能不能拍板",
    },
    "objection_why": {
        "price": "客户嫌贵、要优惠，或者拿别家的价来比",
        "payment": "客户手头没钱、预算没批，或者要改付款方式",
        "authority": "要请示上面、走审批或招标",
        "stall": "“再看看”“不急”，没说出具体理由",
        "need": "客户觉得用不上，或者现在的办法够用",
        "product": "客户怀疑功能、质量、交期或适不适用",
        "trust": "客户对公司、售后或销售本人不放心",
        "incumbent": "客户已有供应商，或者偏向别家",
    },
    "level": {"0": "没写到", "1": "写了，还笼统", "2": "写具体了"},
    "dispute": {
        "kp": "他不是第一KP",
        "person": "这不是客户的人",
        "objection": "这不是异议",
        "price": "这不是报价",
        "competitor": "这不是对手",
        "step": "这不是下一步",
        "funds": "这不是到款时间",
        "class": "这不是客户分类",
    },
}
"""What a label means, for somebody who does not know the rubric, and what a rep says who marks a finding as wrong."""
CLASSES_LEGEND: list[tuple[str, str]] = [
    ("kp", "第一KP"),
    ("person", "其他人"),
    ("objection-open", "异议，未解决"),
    ("objection-resolved", "异议，已化解"),
    ("price", "价格"),
    ("competitor", "对手"),
    ("step", "下一步"),
    ("funds", "到款时间"),
    ("class", "客户分类"),
]
"""Class of an underline and its word, in the legend's order."""


def page_words() -> dict[str, Any]:
    """All words that reading an analysis in the browser takes: labels, explanations, additions (dimension to the lines at level 0 and 1), openings (question id to the beginning of its answer)."""
    return {
        **LABELS,
        **EXPLANATIONS,
        "addition": {dimension: [zero, one] for dimension, zero, one in rows("additions.tsv")},
        "opening": {row[0]: row[1] for row in rows("openings.tsv")},
    }
