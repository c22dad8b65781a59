"""The agreement of trainers with the model and with each other, as charts and as the notes behind each number."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import altair as alt

from service.audits.charts import BLUE, Row, dressed
from service.corrections.agreement import MonthAgreement, With
from service.corrections.comparing import COMPARED
from service.corrections.words import field_word

TITLES: dict[With, str] = {"model": "和模型的一致率", "trainers": "两个培训师的一致率"}


def address(with_: With, team: str | None, month: str, field: str | None = None, agreeing: bool | None = None) -> str:
    """The notes behind a number."""
    given = {"with": with_, "team": team, "month": month, "field": field, "agreeing": None if agreeing is None else str(agreeing).lower()}
    return f"/audit/agreement/notes?{urlencode({k: v for k, v in given.items() if v is not None})}"


def specification(with_: With, months: list[MonthAgreement], team: str | None) -> Row:
    """A field a row, a month a column: how often both say the same, in percent, as Vega-Lite whose marks open the notes that differ."""
    rows: list[Row] = [
        {
            "f": field_word(f.field), "m": m.month, "p": round(100 * f.agreeing / m.notes), "n": m.notes,
            "u": address(with_, team, m.month, f.field, agreeing=False),
        }
        for m in months
        for f in m.fields
    ]  # fmt: skip
    base: Any = alt.Chart({"values": rows}).encode(
        x=alt.X("m:O", axis=alt.Axis(title="月", labelAngle=0, orient="top")),
        y=alt.Y("f:N", sort=[field_word(f) for f in COMPARED], axis=alt.Axis(title=None, labelLimit=140)),
        tooltip=[
            alt.Tooltip("f:N", title="哪一处"), alt.Tooltip("m:N", title="月"), alt.Tooltip("p:Q", title="一致%"), alt.Tooltip("n:Q", title="记录数"),
        ],
        href="u:N",
    )  # fmt: skip
    cells = base.mark_rect(cursor="pointer").encode(
        color=alt.Color("p:Q", title="一致%", scale=alt.Scale(domain=[50, 100], clamp=True, range=["#f2f6fc", BLUE]), legend=None)
    )
    numbers = base.mark_text(fontSize=12, cursor="pointer").encode(
        text="p:Q", color=alt.condition("datum.p >= 85", alt.value("#fff"), alt.value("#1d2430"))
    )
    return dressed((cells + numbers).properties(height=alt.Step(24)))
