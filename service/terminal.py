"""One note's analysis for a person at a terminal: the note with its evidence underlined, the score, the questions."""

from __future__ import annotations

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from models.analysis import Amount, Analysis
from models.questions import amount_text
from service.texts import LABELS

STYLES = {
    "person": "cyan underline",
    "objection": "red underline",
    "price": "yellow underline",
    "competitor": "magenta underline",
    "step": "green underline",
    "funds": "green underline",
    "class": "blue underline",
}


def highlighted(text: str, analysis: Analysis) -> Text:
    """The note with every finding underlined in its colour."""
    out = Text(text)
    for o in analysis.objections:
        out.stylize(STYLES["objection"], o.start, o.end)
    if analysis.next_step:
        out.stylize(STYLES["step"], analysis.next_step.start, analysis.next_step.end)
    for m in analysis.price.mentions:
        if m.role != "other":
            out.stylize(STYLES["price"], m.start, m.end)
    for c in analysis.competitors:
        out.stylize(STYLES["competitor"], c.start, c.end)
    for p in analysis.people:
        out.stylize(STYLES["person"], p.start, p.end)
    if analysis.funds_date:
        out.stylize(STYLES["funds"], analysis.funds_date.start, analysis.funds_date.end)
    if analysis.customer_class:
        out.stylize(STYLES["class"], analysis.customer_class.start, analysis.customer_class.end)
    return out


def _amount(value: Amount | None) -> str:
    return "—" if value is None else amount_text(value)


def _findings(analysis: Analysis) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    labels = LABELS
    for p in analysis.people:
        table.add_row("人", f"{p.mention}  {labels['role'][p.decision_role]}，{'见到' if p.met else '没见到'}")
    table.add_row("KP", labels["kp_status"][analysis.kp.status] + "".join(f"（{w}）" for w in analysis.kp.warnings))
    for o in analysis.objections:
        table.add_row("异议", f"{labels['objection'][o.type]}（{labels['status'][o.status]}）“{o.quote}”")
    price = analysis.price
    if any(v is not None for v in (price.ours, price.competitor, price.customer)) or price.gaps:
        table.add_row("价格", f"我方 {_amount(price.ours)}   对手 {_amount(price.competitor)}   客户 {_amount(price.customer)}")
    for g in price.gaps:
        against = "对手" if g.against == "competitor" else "客户"
        percent = "" if g.percent is None else f"（{g.percent:g}%）"
        table.add_row("差额", f"比{against} {'' if g.amount is None else _amount(g.amount)}{percent}")
    if analysis.competitors:
        table.add_row("对手", "、".join(c.mention for c in analysis.competitors))
    if analysis.customer_class:
        table.add_row("分类", analysis.customer_class.label)
    for name, dated in (("下一步", analysis.next_step), ("到款", analysis.funds_date)):
        if dated:
            table.add_row(name, f"“{dated.quote}”" + (f"  {dated.date}" if dated.date else ""))
    return table


def _score(analysis: Analysis, text: str) -> Table:
    table = Table(box=None, padding=(0, 2), show_header=False)
    for d in analysis.quality.dimensions:
        bar = Text("██" * d.level + "░░" * (2 - d.level), style=("red", "yellow", "green")[d.level])
        quotes = "、".join(f"“{text[e.start : e.end]}”" for e in d.evidence[:2])
        table.add_row(d.name, bar, f"{d.weight * d.level // 2}/{d.weight}", quotes or (d.advice or ""))
    return table


def show(console: Console, text: str, analysis: Analysis) -> None:
    """Print one analysis."""
    kind = LABELS["kind"][analysis.kind.label]
    doubt = "（存疑，请看原文）" if analysis.kind.needs_review else ""
    title = f"{kind} {min(analysis.kind.probability, 0.99):.0%}{doubt} · {LABELS['outcome'][analysis.outcome.label]} · {analysis.quality.score} 分（{analysis.quality.grade}）"
    questions = Table.grid(padding=(0, 1))
    questions.add_column(no_wrap=True)
    questions.add_column(overflow="fold")
    for number, question in enumerate(analysis.questions, 1):
        questions.add_row(f"{number}.", Text(question.text, style="bold"))
    console.print(
        Panel(
            Group(highlighted(text, analysis), Text(), _findings(analysis), Text(), _score(analysis, text), Text(), questions),
            title=title,
            title_align="left",
        )
    )
