"""What a trainer of the demo has done: a few notes checked by the corpus's labels, appeals that wait, a rubric that waits for its trial."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from models.labels import WEIGHTS
from service.accounts.keys import find_principal
from service.corrections import appeals
from service.corrections.labels import flat
from service.corrections.reviewers import reviewer_of
from service.corrections.store import Change, save
from service.database import writing
from service.notes.correcting import models_analysis
from service.notes.tables import StoredNote
from service.rescoring.authors import author_of
from service.rubrics import store as rubrics
from service.rubrics.content import RubricContent

CHECKED = 6
OBJECTION = "需求我写了，是客户亲口说的，请再看看。"
REMARK = "更看重下一步和试成交"
TRIED = {**WEIGHTS, "kp": 12, "figures": 6, "close_attempt": 12, "next_step": 12}


def review(engine: Engine, trainer_key: str, corpus: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Check the team's newest notes, object to the score of the next and to a finding of it, keep a rubric that is not on."""
    principal = find_principal(engine, trainer_key, now)
    assert principal is not None
    labels = {note["text"]: note for note in corpus}
    with writing(engine) as session:
        newest = (
            select(StoredNote)
            .where(StoredNote.tenant_id == principal.tenant_id)
            .order_by(StoredNote.visited_at.desc(), StoredNote.id.desc())
        )
        *checked, disputed = session.scalars(newest.limit(CHECKED + 1))
        for note in checked:
            fields = flat({"evidence": {}, **labels[note.text]})
            save(session, note, reviewer_of(session, principal), Change(fields, complete=True), now)
        _object(session, disputed, now)
        author = author_of(session, principal)
        rubrics.create(session, principal.tenant_id, RubricContent(weights=TRIED), REMARK, author, now)


def _object(session: Session, note: StoredNote, now: datetime) -> None:
    appeals.object_to_score(session, note, OBJECTION, "need", now)
    objections = json.loads(models_analysis(session, note).result)["objections"]
    appeals.mark_findings(session, note, [{"kind": "objection", "quote": o["quote"]} for o in objections[:1]], now)
