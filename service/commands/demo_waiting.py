"""What waits for the demo's trainer: a rep's objections to a note, and a rubric that is to be tried."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Engine, exists, select

from models.labels import WEIGHTS
from service.accounts.keys import find_principal
from service.corrections import appeals
from service.corrections.tables import NoteReview
from service.database import writing
from service.notes.correcting import models_analysis
from service.notes.tables import StoredNote
from service.rescoring.authors import author_of
from service.rubrics import store as rubrics
from service.rubrics.content import RubricContent

OBJECTION = "需求我写了，是客户亲口说的，请再看看。"
REMARK = "更看重下一步和试成交"
WEIGHED = RubricContent(weights={**WEIGHTS, "kp": 12, "figures": 6, "close_attempt": 12, "next_step": 12})


def leave_waiting(engine: Engine, trainer_key: str, now: datetime) -> None:
    """Object to the score and a finding of the newest note that nobody has checked; keep a rubric that is not on."""
    principal = find_principal(engine, trainer_key, now)
    assert principal is not None
    unchecked = (StoredNote.tenant_id == principal.tenant_id, ~exists().where(NoteReview.note_id == StoredNote.id))
    newest = select(StoredNote).where(*unchecked).order_by(StoredNote.visited_at.desc(), StoredNote.id.desc()).limit(1)
    with writing(engine) as session:
        note = session.scalars(newest).one()
        appeals.object_to_score(session, note, OBJECTION, "need", now)
        objections = json.loads(models_analysis(session, note).result)["objections"]
        appeals.mark_findings(session, note, [{"kind": "objection", "quote": o["quote"]} for o in objections[:1]], now)
        rubrics.create(session, principal.tenant_id, WEIGHED, REMARK, author_of(session, principal), now)
