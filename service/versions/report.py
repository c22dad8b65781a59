"""A comparison of two models as tables: on the terminal, as a workbook, as one HTML file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from jinja2 import Environment
from openpyxl import Workbook

from models.quality import dimension_texts
from service.rendering import STATIC
from service.sheets import add_sheet
from service.texts import LABELS
from service.versions import words
from service.versions.changes import Changes
from service.versions.figures import Figures, LabelledSet

STYLES = ("base.css", "report.css")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with what is to be said of it."""

    title: str
    remark: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """Two models, on labelled notes (None where this machine has no corpus) and on a tenant's notes (None where none was named)."""

    base: str
    candidate: str
    made: date
    figures: Figures | None
    changes: Changes | None
    tenant: str | None

    def sheets(self) -> list[Sheet]:
        """The tables."""
        out = [sheet for found in (self.figures.comparisons if self.figures else ()) for sheet in _labelled(found)]
        return [*out, *_stored(self.changes)] if self.changes else out


def _labelled(found: LabelledSet) -> list[Sheet]:
    parts = {d: texts[0] for d, texts in dimension_texts().items()}
    name = words.SETS.get(found.name, found.name)
    rows = [
        [
            words.figure(s.figure, parts),
            words.percent(s.base),
            words.percent(s.candidate),
            words.span(s.low, s.high),
            words.VERDICTS[s.verdict],
        ]
        for s in found.sides
    ]
    few = all(s.verdict == "too few notes" for s in found.sides)
    remark = f"{found.notes} 条，百分数；区间是新减旧的 95%（自助法）。{len(rows)} 项里有一两项变好变差只是碰巧，属于正常。"
    if few:
        remark = f"只有 {found.notes} 条，太少，还看不出哪个模型好；区间只说明现在知道得有多少。"
    out = [Sheet(name, remark, ["指标", "现用", "候选", "差的区间", "结论"], rows)]
    if found.name != "test" and found.read_otherwise:
        changed = [
            [o.id, LABELS["kind"][o.kind], LABELS["kind"][o.base_kind], LABELS["kind"][o.candidate_kind], o.score, o.base_score, o.candidate_score]
            for o in found.read_otherwise
        ]  # fmt: skip
        header = ["记录", "更正的类型", "现用", "候选", "更正的得分", "现用", "候选"]
        out.append(Sheet(f"{name}里变了的", f"{len(changed)} 条的类型或得分变了。", header, changed))
    return out


def _stored(changes: Changes) -> list[Sheet]:
    kinds = sum(n.other_kind for n in changes.notes)
    remark = (
        f"最近入库的 {changes.sampled} 条里，{len(changes.notes)} 条会变（{kinds} 条变类型）；平均分 {changes.mean_points:+.1f}，"
        f"平均移动 {changes.mean_distance:.1f} 分。现在什么都还没有改。"
    )
    reps = [
        [r.rep or words.NOBODY, r.notes, round(r.base_score, 1), round(r.candidate_score, 1), f"{r.candidate_score - r.base_score:+.1f}", r.moved,
         f"{r.furthest:+d}", r.to_diagnostic, r.to_flow_of_events]
        for r in changes.reps
    ]  # fmt: skip
    notes = [
        [n.note_id, n.rep or words.NOBODY, n.visited_at.isoformat(), LABELS["kind"][n.base.kind], LABELS["kind"][n.candidate.kind], n.base.score,
         n.candidate.score, f"{n.points:+d}"]
        for n in changes.notes
    ]  # fmt: skip
    return [
        Sheet("按销售", remark, ["销售", "记录", "现用均分", "候选均分", "差", "变分的", "最大", "变诊断型", "变流水账"], reps),
        Sheet(
            "按记录",
            "变得多的在前。" if notes else "没有一条会变。",
            ["记录", "销售", "拜访日期", "现用类型", "候选类型", "现用得分", "候选得分", "差"],
            notes,
        ),
    ]


def xlsx(report: Report) -> bytes:
    """The report as a workbook."""
    book = Workbook()
    book.remove(book.active)
    about: list[list[Any]] = [
        ["现用模型", report.base],
        ["候选模型", report.candidate],
        ["租户", report.tenant],
        ["制作", report.made.isoformat()],
    ]
    sheets = report.sheets()
    add_sheet(book, "概览", ["项目", "内容"], [*about, *([s.title, s.remark] for s in sheets)])
    for sheet in sheets:
        add_sheet(book, sheet.title, sheet.header, sheet.rows)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def html(report: Report, environment: Environment) -> bytes:
    """The report as one HTML file that needs nothing else and runs nothing."""
    style = "\n".join((STATIC / name).read_text("utf-8") for name in STYLES)
    return environment.get_template("model_report.html").render(report=report, sheets=report.sheets(), style=style).encode()
