"""Corrections beside rubrics and other models, on both databases: a corrected note keeps its corrections and gets the score it should."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update

from models.pipeline import Analyzer
from models.rubric import Rubric
from service.commands.notes import reanalyze_all
from service.database import writing
from service.notes.tables import StoredAnalysis
from service.versions.changes import Sampled, changes
from tests.service.conftest import Tenancy
from tests.service.rescoring.test_rubrics import NOVEMBER, OWN, TEXT, contributions, switched_on


@pytest.fixture
def note(tenancy: Tenancy) -> dict:
    return tenancy.store(TEXT, rep_id=tenancy.reps[0], visited_at="2026-11-20", customer="恒达")


def analyses(tenancy: Tenancy, note_id: str) -> list[dict]:
    return tenancy.call("GET", f"/v1/notes/{note_id}/analyses").json()["analyses"]


def correct(tenancy: Tenancy, note_id: str, **labels) -> None:
    tenancy.world.clock.step(seconds=1)
    answer = tenancy.call("POST", f"/v1/notes/{note_id}/corrections", "trainer", json={"revision": 1, "labels": labels})
    assert answer.status_code == 200, answer.text


def levels(entry: dict) -> dict[str, int]:
    return {d["id"]: d["level"] for d in entry["result"]["quality"]["dimensions"]}


def other(level: int) -> int:
    return 2 - level if level != 1 else 2


def test_a_rubric_applied_to_past_notes_keeps_the_corrections(tenancy: Tenancy, note: dict) -> None:
    was = {d["id"]: d["level"] for d in note["analysis"]["result"]["quality"]["dimensions"]}
    correct(tenancy, note["id"], rubric={"kp": other(was["kp"])})
    version = switched_on(tenancy)
    tenancy.world.clock.step(seconds=1)
    said = tenancy.call("POST", f"/v1/rubrics/{version}/apply", json=NOVEMBER).json()
    assert (said["applied"], said["unreadable"]) == (1, 0)
    corrected, rescored, first = sorted(analyses(tenancy, note["id"]), key=lambda a: (not a["corrected"], -a["rubric_version"]))
    assert [(a["corrected"], a["current"], a["rubric_version"]) for a in (corrected, rescored, first)] == [
        (True, True, version), (False, False, version), (False, False, 0),
    ]  # fmt: skip
    assert (levels(corrected), levels(rescored)) == ({**was, "kp": other(was["kp"])}, was)
    for entry in (corrected, rescored):
        assert {d["id"]: d["weight"] for d in entry["result"]["quality"]["dimensions"]} == OWN
        assert entry["result"]["quality"]["score"] == contributions(entry["result"])
    tenancy.world.clock.step(seconds=1)
    assert tenancy.call("POST", f"/v1/rubrics/{version}/apply", json=NOVEMBER).json()["applied"] == 0
    correct(tenancy, note["id"], rubric={"kp": was["kp"]})
    (current,) = [a for a in analyses(tenancy, note["id"]) if a["current"]]
    assert (current["corrected"], current["rubric_version"]) == (False, version)


def test_a_corrected_level_is_scored_and_worded_by_the_rubric_of_the_analysis(tenancy: Tenancy) -> None:
    words = {"need": {"absent": "先问清客户要什么", "vague": "需求写细"}}
    switched_on(tenancy, advice=words, additions=words)
    note = tenancy.store(TEXT, rep_id=tenancy.reps[0], visited_at="2026-11-20")
    before = {d["id"]: d for d in note["analysis"]["result"]["quality"]["dimensions"]}
    level = 0 if before["need"]["level"] else 1
    correct(tenancy, note["id"], rubric={"need": level})
    result = analyses(tenancy, note["id"])[0]["result"]
    after = {d["id"]: d for d in result["quality"]["dimensions"]}
    said = words["need"]["absent" if level == 0 else "vague"]
    assert (after["need"]["advice"], after["need"]["addition"], after["need"]["weight"]) == (said, said, OWN["need"])
    assert (result["quality"]["score"], result["quality"]["rubric_version"]) == (contributions(result), 1)
    assert {d: a for d, a in after.items() if d != "need"} == {d: b for d, b in before.items() if d != "need"}


@pytest.mark.parametrize("notify", [False, True])
def test_analyzed_again_by_command_the_corrections_go_on_counting(tenancy: Tenancy, note: dict, analyzer: Analyzer, notify: bool) -> None:
    kind = "flow_of_events" if note["analysis"]["result"]["kind"]["label"] == "diagnostic" else "diagnostic"
    correct(tenancy, note["id"], kind=kind)
    with writing(tenancy.world.engine) as session:
        session.execute(update(StoredAnalysis).where(StoredAnalysis.tenant_id == tenancy.id).values(model_version="before"))
    reanalyze_all(tenancy.world.engine, analyzer, [tenancy.id], notify)
    read = tenancy.call("GET", f"/v1/notes/{note['id']}").json()["analysis"]
    assert (read["corrected"], read["result"]["kind"]["label"], read["model_version"]) == (True, kind, analyzer.card.version)


def test_models_are_compared_under_one_rubric(analyzer: Analyzer) -> None:
    sampled = [Sampled("nt_1", None, None, date(2026, 11, 20), TEXT)]
    alone = dict.fromkeys(OWN, 0) | {"diagnosis": 40, "next_step": 40, "figures": 20}
    scores = []
    for rubric in (Rubric(), Rubric(1, alone)):
        result = changes(sampled, [lambda: analyzer, lambda: analyzer], rubric=rubric)
        assert (result.sampled, result.notes) == (1, [])
        scores.append(result.reps[0].base_score)
    assert scores[0] != scores[1]
