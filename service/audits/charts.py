"""The audit's charts, defined once in Altair: interactive on the page (Vega's own SVG), as SVG without scripts, as PNG in workbooks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import altair as alt
import vl_convert

from service.audits.links import Links
from service.audits.result import Audit
from service.texts import LABELS

VEGALITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
FONT = '"Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif'
WIDTH = 520
BLUE, ORANGE, SOFT = "#1b57b3", "#c25b06", "#56606f"
"""Far enough apart for those who do not see red or green, and 3 to 1 against white (WCAG 1.4.11)."""
TITLES = {
    "scores": "得分分布",
    "steps": "平均分走势",
    "reps": "各销售的得分分布",
    "objections": "客户异议",
    "kp": "见到第一KP了吗",
    "gaps": "价格差距",
    "parts": "最常缺的部分",
}
Row = dict[str, Any]


def span(low: float | None, high: float | None) -> str:
    """A bin of the price gap in words."""
    if low is None:
        return "我方更低"
    return f"高{low:g}%以上" if high is None else f"高{low:g}–{high:g}%"


def _chart(rows: list[Row]) -> Any:
    """A chart of these rows; Altair's own types are too wide to be of help."""
    return alt.Chart({"values": rows})


def _pair(figures: list[tuple[str, str, int, str]], axis: str, colours: tuple[str, str], horizontal: bool) -> Any:
    """Stacked bars of two series: (category, series, notes, address) each, in the order of the bars."""
    rows: list[Row] = [{"c": c, "s": s, "n": n, "u": u} for c, s, n, u in figures]
    order, series = list(dict.fromkeys(r["c"] for r in rows)), list(dict.fromkeys(r["s"] for r in rows))
    category: Any = alt.Axis(title=axis, labelAngle=0, labelLimit=120, labelOverlap=not horizontal)
    count: Any = alt.Axis(title="记录数", tickMinStep=1, format="d")
    chart = _chart(rows).mark_bar(cursor="pointer").encode(
        color=alt.Color("s:N", title=None, sort=series, scale=alt.Scale(domain=series, range=list(colours[: len(series)])), legend=alt.Legend(orient="top")),
        order=alt.Order("s:N", sort="ascending" if series == sorted(series) else "descending"),
        tooltip=[alt.Tooltip("c:N", title=axis), alt.Tooltip("s:N", title="类别"), alt.Tooltip("n:Q", title="记录数")],
        href="u:N",
    )  # fmt: skip
    if horizontal:
        return chart.encode(y=alt.Y("c:N", sort=order, axis=category), x=alt.X("n:Q", axis=count)).properties(height=alt.Step(26))
    return chart.encode(x=alt.X("c:N", sort=order, axis=category), y=alt.Y("n:Q", axis=count)).properties(height=220)


def _scores(audit: Audit, link: Links | None) -> Any:
    return _pair(
        [
            (f"{b.low}–{b.high}", LABELS["kind"][kind], n, link.notes(min_score=b.low, max_score=b.high, kind=kind) if link else "")
            for b in audit.scores
            for kind, n in (("diagnostic", b.diagnostic), ("flow_of_events", b.flow_of_events))
        ],
        "得分", (BLUE, ORANGE), horizontal=False,
    )  # fmt: skip


def _objections(audit: Audit, link: Links | None) -> Any:
    return _pair(
        [
            (o.name, LABELS["status"][status], n, link.notes(objection=o.type, objection_status=status) if link else "")
            for o in audit.objections
            for status, n in (("open", o.open), ("resolved", o.resolved))
        ],
        "异议", (ORANGE, BLUE), horizontal=True,
    )  # fmt: skip


def _parts(audit: Audit, link: Links | None) -> Any:
    return _pair(
        [
            (p.name, word, n, link.notes(**{field: p.dimension}) if link else "")
            for p in audit.parts
            for word, field, n in (("没有写", "missing", p.missing), ("写得笼统", "vague", p.vague))
        ],
        "部分", (ORANGE, BLUE), horizontal=True,
    )  # fmt: skip


def _gaps(audit: Audit, link: Links | None) -> Any:
    return _pair(
        [
            (span(b.low, b.high), word, n,
             link.notes(gap_against=side, gap_percent_from=b.low, gap_percent_below=b.high) if link else "")
            for b in audit.gaps
            for word, side, n in (("与对手", "competitor", b.competitor), ("与客户出价", "customer", b.customer))
        ],
        "我方比对方", (BLUE, ORANGE), horizontal=False,
    )  # fmt: skip


def _kp(audit: Audit, link: Links | None) -> Any:
    rows = [(LABELS["kp_status"][k.status], "记录", k.notes, link.notes(kp=k.status) if link else "") for k in audit.kp]
    return _pair(rows, "KP", (BLUE, BLUE), horizontal=True).encode(color=alt.value(BLUE))


def _steps(audit: Audit, link: Links | None) -> Any:
    rows = [
        {"d": s.first.isoformat(), "m": s.mean_score, "n": s.notes, "u": link.notes(since=s.first, until=s.last) if link else ""}
        for s in audit.steps
    ]
    return _chart(rows).mark_line(point=alt.OverlayMarkDef(size=70, filled=True, cursor="pointer"), color=BLUE).encode(
        x=alt.X("d:O", axis=alt.Axis(title="周（从周一起）" if audit.selection.step == "week" else "月", labelAngle=-40, labelOverlap=True, labelExpr="slice(datum.value, 5)" if audit.selection.step == "week" else "slice(datum.value, 0, 7)")),
        y=alt.Y("m:Q", scale=alt.Scale(domain=[0, 100]), axis=alt.Axis(title="平均分")),
        tooltip=[alt.Tooltip("d:N", title="从"), alt.Tooltip("m:Q", title="平均分"), alt.Tooltip("n:Q", title="记录数")],
        href="u:N",
    ).properties(height=220)  # fmt: skip


def _reps(audit: Audit, link: Links | None) -> Any:
    rows = [
        {"r": rep.name, "c": f"{b.low}–{b.high}", "n": n, "p": round(100 * n / rep.notes), "u": link.of_rep(rep.rep_id, min_score=b.low, max_score=b.high) if link else ""}
        for rep in audit.reps
        for b, n in zip(audit.scores, rep.bins, strict=True)
        if n
    ]  # fmt: skip
    return _chart(rows).mark_rect(cursor="pointer").encode(
        x=alt.X("c:O", sort=[f"{b.low}–{b.high}" for b in audit.scores], axis=alt.Axis(title="得分", labelAngle=0, labelOverlap=True)),
        y=alt.Y("r:N", sort=[r.name for r in audit.reps], axis=alt.Axis(title=None, labelLimit=110)),
        color=alt.Color("p:Q", title="占本人记录%", scale=alt.Scale(range=["#dfe9f8", "#0d2f66"]), legend=alt.Legend(orient="top", gradientLength=160)),
        tooltip=[alt.Tooltip("r:N", title="销售"), alt.Tooltip("c:N", title="得分"), alt.Tooltip("n:Q", title="记录数"), alt.Tooltip("p:Q", title="占比%")],
        href="u:N",
    ).properties(height=alt.Step(24))  # fmt: skip


_DRAWN: dict[str, Callable[[Audit, Links | None], Any]] = {
    "scores": _scores, "steps": _steps, "reps": _reps, "objections": _objections, "kp": _kp, "gaps": _gaps, "parts": _parts,
}  # fmt: skip


def dressed(chart: Any) -> Row:
    """A chart as Vega-Lite in the house's type and colours."""
    chart = chart.properties(width=WIDTH).configure(font=FONT, background="white").configure_axis(
        labelColor="#1d2430", titleColor=SOFT, labelFontSize=12, titleFontWeight="normal"
    )  # fmt: skip
    found: Row = chart.configure_view(stroke=None).configure_legend(labelFontSize=12, titleFontSize=12).to_dict(validate=False)
    return found


def specification(name: str, audit: Audit, link: Links | None = None) -> Row:
    """A chart as Vega-Lite. With `link` its marks open the notes behind them. Raises KeyError where there is no such chart."""
    found = dressed(_DRAWN[name](audit, link))
    if link is None:
        found["encoding"].pop("href")
    return found


def svg(name: str, audit: Audit) -> str:
    """A chart as SVG."""
    return vl_convert.vegalite_to_svg(specification(name, audit), vl_version=VEGALITE)


def png(name: str, audit: Audit) -> bytes:
    """A chart as PNG, at twice the size so that it prints well."""
    return vl_convert.vegalite_to_png(specification(name, audit), vl_version=VEGALITE, scale=2)


@functools.cache
def bundle() -> str:
    """The JavaScript that draws charts in a browser, from the installed package: nothing is fetched. Takes seconds, once a process."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGALITE)
