"""Trainers' corrections on both databases: what they change, what stays, what is exported, what deletion takes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import select

from service.accounts.keys import NewKey, create_key
from service.corrections.complete import complete_notes
from service.corrections.tables import Appeal, Correction, NoteReview
from service.database import reading, writing
from service.notes.tables import StoredAnalysis
from tests.service.conftest import Tenancy, World
from tests.service.serving import ROOT
from training.labels import faults

TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"


def corrected(tenancy: Tenancy, note_id: str, role: str = "trainer", **body) -> dict:
    tenancy.world.clock.step(seconds=1)
    answer = tenancy.call("POST", f"/v1/notes/{note_id}/corrections", role, json={"revision": 1, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def note(tenancy: Tenancy) -> dict:
    return tenancy.store(TEXT, rep_id=tenancy.reps[0], visited_at="2026-11-20", customer="恒达")


def second_trainer(tenancy: Tenancy, name: str = "second") -> str:
    tenancy.keys[name] = tenancy.world.key(tenancy.id, "trainer", team_ids=tenancy.teams, label="二号")
    return name


def test_a_correction_counts_and_the_models_analysis_stays(tenancy: Tenancy, note: dict) -> None:
    before = note["analysis"]["result"]
    kind = "flow_of_events" if before["kind"]["label"] == "diagnostic" else "diagnostic"
    said = corrected(tenancy, note["id"], labels={"kind": kind, "objections": [], "rubric": {"reflection": 0, "need": 0}})
    assert {"kind", "objections"} <= set(said["corrected"])
    assert said["model"]["kind"] == before["kind"]["label"]
    assert {(c["field"], c["by_name"], c["model_version"]) for c in said["corrections"]} >= {
        ("kind", "", note["analysis"]["model_version"])
    }
    entry = next(c for c in said["corrections"] if c["field"] == "kind")
    assert (entry["before"], entry["after"], entry["analysis_id"]) == (before["kind"]["label"], kind, note["analysis"]["id"])
    read = tenancy.call("GET", f"/v1/notes/{note['id']}").json()["analysis"]
    assert (read["corrected"], read["result"]["kind"]["label"], read["result"]["objections"]) == (True, kind, [])
    listed = tenancy.call("GET", "/v1/notes", params={"kind": kind}).json()["notes"]
    assert [n["id"] for n in listed] == [note["id"]]
    assert tenancy.call("GET", "/v1/notes", params={"objection": "price"}).json()["notes"] == []
    audit = tenancy.call("GET", "/v1/audits", params={"to": "2026-11-24"}).json()
    assert (audit["diagnostic"], sum(o["open"] for o in audit["objections"])) == (int(kind == "diagnostic"), 0)
    analyses = tenancy.call("GET", f"/v1/notes/{note['id']}/analyses").json()["analyses"]
    assert [(a["corrected"], a["current"]) for a in analyses] == [(True, True), (False, False)]
    assert analyses[1]["result"] == before


def test_corrected_back_the_models_analysis_is_current_again(tenancy: Tenancy, note: dict) -> None:
    was = note["analysis"]["result"]["outcome"]["label"]
    corrected(tenancy, note["id"], labels={"outcome": "signed" if was != "signed" else "unclear"})
    corrected(tenancy, note["id"], labels={"outcome": was})
    analyses = tenancy.call("GET", f"/v1/notes/{note['id']}/analyses").json()["analyses"]
    assert [(a["corrected"], a["current"]) for a in analyses] == [(False, True)]
    assert len(tenancy.call("GET", f"/v1/notes/{note['id']}/corrections").json()["corrections"]) == 2
    assert tenancy.call("GET", "/v1/audits", params={"to": "2026-11-24"}).json()["signed"] == int(was == "signed")


def test_another_model_takes_the_corrections_over(world: World, tenancy: Tenancy, note: dict, monkeypatch) -> None:
    was = note["analysis"]["result"]["outcome"]["label"]
    now = "signed" if was != "signed" else "unclear"
    corrected(tenancy, note["id"], labels={"outcome": now})
    from service.corrections.store import reapply
    from service.notes.store import RESULT, add_analysis
    from service.notes.tables import StoredNote

    with writing(world.engine) as session:
        row = session.get_one(StoredNote, note["id"])
        made = RESULT.validate_python(note["analysis"]["result"])
        world.clock.step(seconds=1)
        newer = replace(made, model=replace(made.model, version="newer"), competitors=())
        add_analysis(session, row, newer, world.clock(), lambda s, t, n, _: reapply(s, t, n, world.clock()))
    read = tenancy.call("GET", f"/v1/notes/{note['id']}").json()["analysis"]
    assert (read["model_version"], read["corrected"]) == ("newer", True)
    assert (read["result"]["outcome"]["label"], read["result"]["competitors"]) == (now, [])
    analyses = tenancy.call("GET", f"/v1/notes/{note['id']}/analyses").json()["analyses"]
    assert sorted((a["model_version"], a["corrected"]) for a in analyses) == sorted(
        [("newer", True), ("newer", False), (note["analysis"]["model_version"], False)]
    )


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({"people": [{"mention": "赵总", "decision_role": "unknown", "met": True}]}, "labels.people.0.mention"),
        ({"rubric": {"need": 5}}, "labels.rubric.need"),
        ({"kind": "x"}, "labels.kind"),
        ({"evidence": {"need": ["没有的话"]}, "rubric": {"need": 2}}, "labels.evidence.need.0"),
    ],
)
def test_labels_at_fault_are_named_and_nothing_is_saved(tenancy: Tenancy, note: dict, labels: dict, field: str) -> None:
    answer = tenancy.call("POST", f"/v1/notes/{note['id']}/corrections", "trainer", json={"revision": 1, "labels": labels})
    assert answer.status_code == 422
    assert field in {e["field"] for e in answer.json()["errors"]}
    assert "赵总" not in answer.text
    assert tenancy.call("GET", f"/v1/notes/{note['id']}/corrections").json()["corrections"] == []


def test_a_note_that_changed_meanwhile_is_not_corrected(tenancy: Tenancy) -> None:
    note = tenancy.store(TEXT, crm_id="c-1")
    tenancy.store("今天没见到人", crm_id="c-1")
    answer = tenancy.call("POST", f"/v1/notes/{note['id']}/corrections", json={"revision": 1, "labels": {"kind": "diagnostic"}})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")


def test_only_complete_notes_are_exported_and_they_pass_the_corpus_check(world: World, tenancy: Tenancy, note: dict, tmp_path) -> None:
    other = tenancy.store("老板说再看看", rep_id=tenancy.reps[0])
    hidden = tenancy.store("别的组的", rep_id=tenancy.reps[1])
    corrected(tenancy, other["id"], labels={"kind": "flow_of_events"})
    assert corrected(tenancy, note["id"], labels={"rubric": {"need": 0}}, complete=True)["complete"]
    corrected(tenancy, hidden["id"], "admin", complete=True)
    exported = tenancy.call("GET", "/v1/exports/corrections", "trainer")
    assert exported.headers["content-type"] == "application/x-ndjson"
    (line,) = exported.text.splitlines()
    entry = json.loads(line)
    assert (entry["id"], entry["text"], entry["writer"], entry["rubric"]["need"]) == (note["id"], TEXT, tenancy.reps[0], 0)
    assert list(faults(entry)) == []
    whole = tenancy.call("GET", "/v1/exports/corrections").text
    assert sorted(json.loads(x)["id"] for x in whole.splitlines()) == sorted([note["id"], hidden["id"]])
    assert whole == "".join(json.dumps(n, ensure_ascii=False) + "\n" for n in complete_notes(world.engine, tenancy.id))
    file = tmp_path / "out.jsonl"
    file.write_text(whole, "utf-8")
    checked = subprocess.run([sys.executable, "/work/shared/eval/validate.py", file], cwd=ROOT, capture_output=True, text=True, check=False) if (ROOT / "../../shared/eval/validate.py").exists() else None  # fmt: skip
    assert checked is None or checked.returncode == 0, checked.stdout
    assert corrected(tenancy, note["id"], complete=False)["complete"] is False
    assert tenancy.call("GET", "/v1/exports/corrections", "trainer").text == ""


def test_a_text_changed_since_is_not_exported_until_it_is_checked_again(world: World, tenancy: Tenancy) -> None:
    note = tenancy.store(TEXT, crm_id="c-1")
    corrected(tenancy, note["id"], "admin", complete=True)
    tenancy.store("老板说再看看", crm_id="c-1")
    assert list(complete_notes(world.engine, tenancy.id)) == []
    assert tenancy.call("GET", f"/v1/notes/{note['id']}/corrections").json()["complete"] is False
    corrected(tenancy, note["id"], "admin", complete=True, revision=2)
    assert [n["text"] for n in complete_notes(world.engine, tenancy.id)] == ["老板说再看看"]


def test_a_blind_check_sees_nothing_changes_nothing_and_tells_agreement(tenancy: Tenancy, note: dict) -> None:
    second = second_trainer(tenancy)
    path = f"/v1/notes/{note['id']}/corrections"
    assert tenancy.call("POST", path, second, json={"revision": 1, "blind": True, "complete": True}).status_code == 409
    outcome = "signed" if note["analysis"]["result"]["outcome"]["label"] != "signed" else "unclear"
    corrected(tenancy, note["id"], labels={"outcome": outcome}, complete=True)
    assert tenancy.call("POST", path, "trainer", json={"revision": 1, "blind": True, "complete": True}).status_code == 409
    said = corrected(tenancy, note["id"], second, blind=True, complete=True, labels={"rubric": {"kp": 0}})
    assert (said["labels"]["outcome"], said["corrections"]) == (note["analysis"]["result"]["outcome"]["label"], [])
    read = tenancy.call("GET", f"/v1/notes/{note['id']}").json()["analysis"]["result"]
    assert read["outcome"]["label"] == outcome
    agreement = tenancy.call("GET", "/v1/agreement", "trainer").json()
    (pairs,), (month,) = agreement["trainers"], agreement["model"]
    fields = {f["field"]: f["agreeing"] for f in pairs["fields"]}
    assert (pairs["month"], pairs["notes"], fields["outcome"], fields["kind"]) == ("2026-11", 1, 0, 1)
    assert (month["notes"], {f["field"]: f["agreeing"] for f in month["fields"]}["outcome"]) == (2, 1)
    assert tenancy.call("GET", "/v1/agreement", params={"team": tenancy.teams[1]}).json() == {"model": [], "trainers": []}
    assert tenancy.call("GET", "/v1/agreement", "trainer", params={"team": tenancy.teams[1]}).status_code == 404


def test_deleting_a_note_takes_what_was_said_about_it(world: World, tenancy: Tenancy, note: dict) -> None:
    corrected(tenancy, note["id"], labels={"kind": "diagnostic", "outcome": "signed"}, complete=True)
    assert tenancy.call("POST", f"/v1/notes/{note['id']}/appeals", "rep", json={"score": {"reason": "写了"}}).status_code == 201
    receipt = tenancy.call("DELETE", f"/v1/notes/{note['id']}").json()
    assert (receipt["counts"]["reviews"], receipt["counts"]["appeals"], receipt["counts"]["corrections"] > 0) == (1, 1, True)
    with reading(world.engine) as session:
        for table in (NoteReview, Correction, Appeal, StoredAnalysis):
            assert session.scalar(select(table).where(table.note_id == note["id"])) is None


def test_a_deleted_trainers_name_goes_and_the_labels_stay(world: World, tenancy: Tenancy, note: dict) -> None:
    from service.accounts.store import create_person
    from service.corrections.reviewers import Reviewer
    from service.corrections.store import Change, save
    from service.notes.tables import StoredNote

    with writing(world.engine) as session:
        person = create_person(session, tenancy.id, "张培训", "trainer", tenancy.teams[0], None, world.clock()).id
        save(
            session, session.get_one(StoredNote, note["id"]), Reviewer(person, "张培训"), Change({"outcome": "signed"}, True), world.clock()
        )
    assert tenancy.call("GET", f"/v1/notes/{note['id']}/corrections").json()["checked_by"] == "张培训"
    assert tenancy.call("POST", "/v1/deletions", json={"person_id": person}).status_code == 201
    said = tenancy.call("GET", f"/v1/notes/{note['id']}/corrections").json()
    assert (said["checked_by"], said["corrections"][0]["by_name"], said["labels"]["outcome"]) == ("", "", "signed")
    assert len(list(complete_notes(world.engine, tenancy.id))) == 1


def test_whose_key_it_is_stands_at_the_correction(world: World, tenancy: Tenancy, note: dict) -> None:
    with writing(world.engine) as session:
        tenancy.keys["named"] = create_key(session, tenancy.id, NewKey("trainer", "王教练", tenancy.teams), world.clock())[1]
    said = corrected(tenancy, note["id"], "named", labels={"rubric": {"kp": 0}})
    assert said["corrections"][0]["by_name"] == "王教练"
