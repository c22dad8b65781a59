"""Chinese words for the labels, one place for page and command line."""

from __future__ import annotations

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
CLASSES_LEGEND: list[tuple[str, str]] = [
    ("person", "人"),
    ("objection", "异议"),
    ("price", "价格"),
    ("competitor", "对手"),
    ("step", "下一步"),
    ("funds", "到款时间"),
    ("class", "客户分类"),
]
"""Highlight class and its word, in the legend's order."""
