"""The findings once more as spaCy span groups (token-aligned), for whoever works on the Doc with spaCy's own tools."""

from __future__ import annotations

from collections.abc import Iterable

from spacy.language import Language
from spacy.tokens import Doc, Span


def _spans(doc: Doc, found: Iterable[tuple[int, int, str]]) -> list[Span]:
    return [s for s in (doc.char_span(start, end, label=label, alignment_mode="expand") for start, end, label in found) if s is not None]


@Language.component("spangroups", requires=["doc._.people", "doc._.objections", "doc._.prices"])
def spangroups(doc: Doc) -> Doc:
    """Writes doc.spans: people, competitors, objections, prices, next_step."""
    doc.spans["people"] = _spans(doc, ((p.start, p.end, p.role) for p in doc._.people))
    doc.spans["competitors"] = _spans(doc, ((n.start, n.end, n.label) for n in doc._.names if n.label == "CMP"))
    doc.spans["objections"] = _spans(doc, ((o.start, o.end, o.type) for o in doc._.objections))
    doc.spans["prices"] = _spans(doc, ((p.start, p.end, p.role) for p in doc._.prices))
    step = doc._.next_step
    doc.spans["next_step"] = _spans(doc, [(step.start, step.end, "next_step")] if step else [])
    return doc
