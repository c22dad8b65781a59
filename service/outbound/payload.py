"""The JSON body of a delivery: `type`, `timestamp`, `data`, as the Standard Webhooks specification lays it out.

`data` is what a CRM record is enriched with: labels, figures, names that a field is for (the first KP, competitors) and the questions, which
are worded from the note's people and figures and may quote a clause of it. The note's text and the quotes of its findings come with
`include_text` only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from models.analysis import Analysis, Dated
from service.outbound.filters import EventType


@dataclass(frozen=True, slots=True)
class Subject:
    """The note an event is about, by its ids: ours, and those the CRM gave."""

    note_id: str
    crm_id: str | None
    customer_id: str | None
    rep_id: str | None
    rep_external_id: str | None
    team_id: str | None
    visited_at: date | None


def analyzed(subject: Subject, analysis_id: str, analysis: Analysis, text: str | None, at: datetime) -> bytes:
    """The body of `note.analyzed`. `text` is the note's text for a subscription that asked for it, else None; `at` is aware."""
    quoted = text is not None
    data: dict[str, Any] = {
        "note": _note(subject),
        "analysis_id": analysis_id,
        "model_version": analysis.model.version,
        **({} if analysis.quality.rubric_version is None else {"rubric_version": analysis.quality.rubric_version}),
        "kind": asdict(analysis.kind),
        "outcome": asdict(analysis.outcome),
        "score": analysis.quality.score,
        "grade": analysis.quality.grade,
        "kp": asdict(analysis.kp),
        "objections": [
            {"type": o.type, "status": o.status, "probability": o.probability, "needs_review": o.needs_review}
            | ({"quote": o.quote, "start": o.start, "end": o.end} if quoted else {})
            for o in analysis.objections
        ],
        "price": {
            "ours": analysis.price.ours,
            "competitor": analysis.price.competitor,
            "customer": analysis.price.customer,
            "currency": analysis.price.currency,
            "unit": analysis.price.unit,
            "gaps": [asdict(gap) for gap in analysis.price.gaps],
        },
        "competitors": sorted({competitor.mention for competitor in analysis.competitors}),
        "customer_class": analysis.customer_class.label if analysis.customer_class else None,
        "next_step": _dated(analysis.next_step, quoted),
        "funds_date": _dated(analysis.funds_date, quoted),
        "questions": [{"id": question.id, "text": question.text, "why": question.why} for question in analysis.questions],
    }
    if quoted:
        data["text"] = text
    return _body("note.analyzed", data, at)


def deleted(subject: Subject, at: datetime) -> bytes:
    """The body of `note.deleted`: ids only."""
    return _body("note.deleted", {"note": _note(subject)}, at)


def trial(subscription_id: str, at: datetime) -> bytes:
    """The body of `webhook.test`."""
    return _body("webhook.test", {"subscription_id": subscription_id}, at)


def _note(subject: Subject) -> dict[str, Any]:
    fields = asdict(subject)
    return {"id": fields.pop("note_id"), **fields}


def _dated(dated: Dated | None, quoted: bool) -> dict[str, Any] | None:
    if dated is None:
        return None
    return {"date": dated.date, **({"quote": dated.quote, "start": dated.start, "end": dated.end} if quoted else {})}


def _body(type_: EventType, data: dict[str, Any], at: datetime) -> bytes:
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event = {"type": type_, "timestamp": timestamp, "data": data}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=date.isoformat).encode("utf-8")
