"""Words of a comparison for trainers and operators."""

from __future__ import annotations

FIGURES = {
    "kind accuracy": "诊断型/流水账 正确率", "kind macro-F1": "诊断型/流水账 F1", "outcome accuracy": "成交结果 正确率",
    "kp_status accuracy": "KP情况 正确率", "people F1": "人物 F1", "people+role F1": "人物和角色 F1", "people met accuracy": "见没见到 正确率",
    "first KP F1": "第一KP F1", "objection type F1": "异议类型 F1", "objection type+status F1": "异议类型和状态 F1",
    "objection type+quote F1": "异议类型和原话 F1", "price slots F1": "报价 F1", "price gap F1": "价差 F1", "competitors F1": "竞品 F1",
    "customer_class F1": "客户分类 F1", "funds_date F1": "到款时间 F1", "next_step F1": "下一步 F1", "next_step when F1": "下一步时间 F1",
    "rubric level accuracy": "十项档位 正确率", "rubric mean QWK": "十项档位 一致度", "must_ask recall@3": "该问的问题 找全率",
    "must_ask first hit": "第一个问题 命中率", "score Spearman": "得分排序 相关", "score QWK": "得分 一致度", "score MAE": "得分误差（分，越小越好）",
}  # fmt: skip
_RUBRIC = "rubric QWK "
VERDICTS = {"better": "变好", "worse": "变差", "not told apart": "分不出", "same": "一样", "too few notes": "样本太少"}
SETS = {"test": "语料测试集", "held-out corrections": "留出的更正"}
NOBODY = "未分配"


def figure(name: str, parts: dict[str, str]) -> str:
    """A figure's name; `parts` are the names of the ten dimensions."""
    if name.startswith(_RUBRIC):
        part = name.removeprefix(_RUBRIC)
        return f"档位一致度：{parts.get(part, part)}"
    return FIGURES.get(name, name)


def percent(value: float | None) -> str:
    """A figure in percent."""
    return "—" if value is None else f"{100 * value:.1f}"


def span(low: float | None, high: float | None) -> str:
    """An interval of a difference, in points of a percentage."""
    return "—" if low is None or high is None else f"{100 * low:+.1f} 到 {100 * high:+.1f}"
