"""Words of the audit's pages and reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from models.quality import dimension_texts
from service.audits.charts import span
from service.audits.customers import ASLEEP_AT_MOST, SEEN
from service.audits.result import Audit, CustomerReason
from service.audits.selection import Selection
from service.notes.listing import NoteFilter
from service.texts import LABELS

CUSTOMERS: dict[CustomerReason, tuple[str, str]] = {
    "unproven": (
        "看了三次没见到第一KP",
        f"去过 {SEEN} 天以上，还没有一次见到第一KP。方法要求：三天之内想办法见到，约了多次见不到就清理掉。",
    ),
    "not_moving": ("A类客户没有推进", "最近几次拜访，没签，下一步也没有写得更具体。方法要求：A类客户要么签掉，要么转成D类。"),
    "asleep": ("沉睡的客户", f"很久没有人去，也没有签，也没有转成D类。方法要求：每个销售的沉睡客户降到 {ASLEEP_AT_MOST} 个以下。"),
}
"""Each list's title and what it means (seeds)."""
LEVELS = ("没有写", "笼统", "具体")
FEW_NOTES = "记录太少，还看不出该练什么。"


def rubric(version: int) -> str:
    """A version of the rubric."""
    return f"第 {version} 版" if version else "默认"


def percent(part: int, whole: int) -> str:
    """A share in whole percent."""
    return f"{100 * part / whole:.0f}%" if whole else "—"


def kind(label: str) -> str:
    """A kind of note."""
    return LABELS["kind"][label]


def label(group: str, name: str) -> str:
    """A label of an analysis."""
    return LABELS[group][name]


def gap(low: float | None, high: float | None) -> str:
    """A bin of the price gap."""
    return span(low, high)


def period(selection: Selection) -> str:
    """The period in words."""
    return f"{selection.since} 至 {selection.until}"


def step_name(selection: Selection, first: date, last: date) -> str:
    """A week or month of the period."""
    return f"{first:%Y-%m}" if selection.step == "month" else f"{first:%m-%d} 至 {last:%m-%d}"


def scope(audit: Audit) -> str:
    """Whose notes these are."""
    team = audit.team_name or "全部团队"
    rep = next((r.name for r in audit.reps if r.rep_id == audit.selection.rep), None) if audit.selection.rep else None
    return f"{team} · {rep}" if rep else team


def periods(today: date) -> list[tuple[str, date, date]]:
    """Periods to choose with one click."""
    this_month = today.replace(day=1)
    last_month_end = this_month - timedelta(1)
    return [
        ("最近四周", today - timedelta(27), today),
        ("最近十三周", today - timedelta(90), today),
        ("上个月", last_month_end.replace(day=1), last_month_end),
        ("今年", today.replace(month=1, day=1), today),
    ]


def filter_words(criteria: NoteFilter, names: Mapping[str, str]) -> list[str]:
    """What a list of notes is narrowed to, a phrase a condition."""
    texts = dimension_texts()
    out = []
    if criteria.rep is not None:
        out.append(f"销售：{names.get(criteria.rep, criteria.rep)}")
    if criteria.unassigned:
        out.append("未注明销售")
    if criteria.customer is not None:
        out.append(f"客户：{criteria.customer}")
    if criteria.since is not None or criteria.until is not None:
        out.append(f"{criteria.since or '最早'} 至 {criteria.until or '今天'}")
    if criteria.kind is not None:
        out.append(LABELS["kind"][criteria.kind])
    if criteria.min_score is not None or criteria.max_score is not None:
        out.append(f"{criteria.min_score or 0}–{100 if criteria.max_score is None else criteria.max_score} 分")
    if criteria.objection is not None:
        out.append(f"异议：{LABELS['objection'][criteria.objection]}")
    if criteria.objection_status is not None:
        out.append(LABELS["status"][criteria.objection_status])
    if criteria.kp is not None:
        out.append(LABELS["kp_status"][criteria.kp])
    if criteria.outcome is not None:
        out.append(LABELS["outcome"][criteria.outcome])
    if criteria.missing is not None:
        out.append(f"没有写：{texts[criteria.missing][0]}")
    if criteria.vague is not None:
        out.append(f"写得笼统：{texts[criteria.vague][0]}")
    if criteria.gap_against is not None:
        out.append("价差：" + ("与对手" if criteria.gap_against == "competitor" else "与客户出价"))
    if criteria.gap_percent_from is not None or criteria.gap_percent_below is not None:
        out.append(f"我方比对方{span(criteria.gap_percent_from, criteria.gap_percent_below)}")
    if criteria.gap_without_percent:
        out.append("只知道差多少钱")
    if criteria.q is not None:
        out.append(f"含“{criteria.q}”")
    return out
