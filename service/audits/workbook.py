"""An audit as an Excel workbook: a sheet a table, the charts as pictures beside them. No text in it is ever run as a formula."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.drawing.image import Image
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from service.audits import charts, words
from service.audits.result import Audit, NoteFigure
from service.sheets import add_sheet


class _Picture(Image):  # type: ignore[misc]
    """A PNG in a sheet. openpyxl's own asks Pillow for the size, which stands in the file's first bytes."""

    def __init__(self, png: bytes) -> None:
        self.ref, self.format = png, "png"
        self.width, self.height = (int.from_bytes(png[i : i + 4], "big") // 2 for i in (16, 20))  # drawn at twice the size

    def _data(self) -> bytes:
        return bytes(self.ref)


def _chart(sheet: Worksheet, name: str, audit: Audit) -> None:
    if audit.notes:
        picture = _Picture(charts.png(name, audit))
        picture.anchor = f"{get_column_letter(sheet.max_column + 2)}2"
        sheet.add_image(picture)


def _notes(title: str, figures: Sequence[NoteFigure]) -> list[list[Any]]:
    return [
        [title, n.score, n.grade, words.kind(n.kind), n.rep, n.visited_at, n.customer, n.opening,
         "；".join(f"{r.name}：{r.quote or r.advice or ''}" if title == "最好" else f"{r.name} −{r.points_lost:g} 分：{r.advice or ''}" for r in n.reasons), n.note_id]
        for n in figures
    ]  # fmt: skip


def xlsx(audit: Audit) -> bytes:
    """The workbook."""
    book = Workbook()
    book.remove(book.active)
    add_sheet(
        book, "概览", ["项目", "数值"],
        [
            ["范围", words.scope(audit)], ["时间", words.period(audit.selection)], ["记录数", audit.notes], ["平均分", audit.mean_score],
            ["诊断型", audit.diagnostic], ["当场签单", audit.signed],
            *(["模型版本 " + v.version, v.notes] for v in audit.model_versions),
            *(["评分表 " + words.rubric(r.version), r.notes] for r in audit.rubric_versions if len(audit.rubric_versions) > 1 or r.version),
        ],
    )  # fmt: skip
    scores = [[f"{b.low}–{b.high}", b.diagnostic, b.flow_of_events] for b in audit.scores]
    _chart(add_sheet(book, charts.TITLES["scores"], ["得分", "诊断型", "流水账"], scores), "scores", audit)
    steps = [[words.step_name(audit.selection, s.first, s.last), s.notes, s.mean_score, s.diagnostic, s.met_first_kp] for s in audit.steps]
    _chart(add_sheet(book, charts.TITLES["steps"], ["时间", "记录", "平均分", "诊断型", "见到第一KP"], steps), "steps", audit)
    header = ["销售", "记录", "平均分", "诊断型", "见到第一KP", *(f"{b.low}–{b.high}" for b in audit.scores)]
    reps = [[r.name, r.notes, r.mean_score, r.diagnostic, r.met_first_kp, *r.bins] for r in audit.reps]
    _chart(add_sheet(book, charts.TITLES["reps"], header, reps), "reps", audit)
    objections = [[o.name, o.open, o.resolved] for o in audit.objections]
    _chart(add_sheet(book, charts.TITLES["objections"], ["异议", "未解决", "已化解"], objections), "objections", audit)
    kp = [[words.label("kp_status", k.status), k.notes] for k in audit.kp]
    _chart(add_sheet(book, charts.TITLES["kp"], ["情况", "记录"], kp), "kp", audit)
    gaps = [[words.gap(b.low, b.high), b.competitor, b.customer] for b in audit.gaps]
    gaps.append(["只知道差多少钱", audit.gaps_without_percent, None])
    _chart(add_sheet(book, charts.TITLES["gaps"], ["我方比对方", "与对手", "与客户出价"], gaps), "gaps", audit)
    parts = [[p.name, p.weight, p.missing, p.vague, p.points_lost] for p in audit.parts]
    _chart(add_sheet(book, charts.TITLES["parts"], ["部分", "满分", "没有写", "写得笼统", "每条平均丢分"], parts), "parts", audit)
    customers = [
        [words.CUSTOMERS[group.reason][0], c.name, c.rep, c.visits, c.last_visit, c.days_since] for group in audit.customers for c in group.customers
    ]  # fmt: skip
    add_sheet(book, "客户", ["情况", "客户", "销售", "拜访天数", "最后一次", "过去几天"], customers)
    notes = _notes("最好", audit.best) + _notes("最该重写", audit.weakest)
    add_sheet(book, "最好和最差", ["", "得分", "等级", "类型", "销售", "日期", "客户", "开头", "理由", "记录"], notes)
    topics = [
        [t.name, t.notes, t.part.name if t.part else words.FEW_NOTES, t.part.points_lost if t.part else None, t.team_points_lost,
         "\n".join(f"{e.visited_at} {e.customer or ''}“{e.quote}” {e.remark}" for e in t.examples)]
        for t in audit.topics
    ]  # fmt: skip
    add_sheet(book, "练一件事", ["销售", "记录", "练什么", "每条平均丢分", "全体平均丢分", "例子"], topics)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
