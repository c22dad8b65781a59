"""Rubrics by HTTP on both databases: kept, tried, switched on, rolled back, applied; what new and old results carry."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from models.labels import DIMENSIONS, WEIGHTS
from service.accounts.store import create_person
from service.database import reading, writing
from service.rescoring.switching import Rescoring
from service.rubrics.content import RubricContent
from service.rubrics.store import last_switch
from service.sessions.store import find_viewer, open_session
from tests.conftest import TODAY
from tests.service.audits.house import add, analysis, furnish
from tests.service.conftest import Tenancy

TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"
OWN = {**WEIGHTS, "kp": 24, "figures": 0}
NOVEMBER = {"from": "2026-10-01", "to": "2026-11-30"}


def keep(tenancy: Tenancy, weights: dict | None = None, role: str = "admin", **more) -> int:
    answer = tenancy.call("POST", "/v1/rubrics", role, json={"weights": weights or OWN, **more})
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["version"]


def attempt(tenancy: Tenancy, version: int, role: str = "admin", **notes) -> dict:
    answer = tenancy.call("POST", f"/v1/rubrics/{version}/trial", role, json={**NOVEMBER, **notes})
    assert answer.status_code == 200, answer.text
    return answer.json()


def switch(tenancy: Tenancy, version: int) -> None:
    assert tenancy.call("POST", f"/v1/rubrics/{version}/switch").json() == {"on": version}


def switched_on(tenancy: Tenancy, weights: dict | None = None, **more) -> int:
    version = keep(tenancy, weights, **more)
    attempt(tenancy, version)
    switch(tenancy, version)
    return version


def contributions(result: dict) -> int:
    return sum(d["weight"] * d["level"] for d in result["quality"]["dimensions"]) // 2


def test_versions_say_who_and_when_and_what_is_on(tenancy: Tenancy) -> None:
    listed = tenancy.call("GET", "/v1/rubrics").json()
    assert (listed["on"], listed["previous"], listed["rubrics"]) == (0, None, [])
    assert tenancy.call("GET", "/v1/rubrics/0").json()["content"]["weights"] == WEIGHTS
    tenancy.keys["named"] = tenancy.world.key(tenancy.id, "trainer", team_ids=tenancy.teams[:1], label="带教")
    first, second = keep(tenancy, remark="重视KP"), keep(tenancy, {**WEIGHTS, "kp": 12, "reflection": 8}, "named")
    assert (first, second) == (1, 2)
    newest, older = tenancy.call("GET", "/v1/rubrics").json()["rubrics"]
    assert (newest["version"], newest["author"], newest["created"], newest["tried"], newest["on"]) == (2, "带教", "2026-11-24T09:00:00Z", None, False)  # fmt: skip
    assert (older["remark"], older["content"]["weights"]) == ("重视KP", OWN)
    assert [r["version"] for r in tenancy.call("GET", "/v1/rubrics?limit=1&before=2").json()["rubrics"]] == [1]
    assert tenancy.call("POST", "/v1/rubrics", "named", json={"weights": {**WEIGHTS, "kp": 12, "reflection": 8}}).status_code == 200


def test_a_deleted_persons_name_goes_from_the_versions(tenancy: Tenancy) -> None:
    world = tenancy.world
    with writing(world.engine) as session:
        trainer = create_person(session, tenancy.id, "周老师", "trainer", tenancy.teams[0], None, world.clock()).id
        token = open_session(session, tenancy.id, world.clock(), timedelta(hours=1), person_id=trainer)
        viewer = find_viewer(session, token, world.clock())
    rescoring = Rescoring(world.engine, world.clock, lambda: TODAY)
    version, _ = rescoring.keep(viewer.principal, RubricContent(weights=OWN), "")
    attempt(tenancy, version)
    rescoring.switch(viewer.principal, version)
    assert tenancy.call("GET", "/v1/rubrics/1").json()["author"] == "周老师"
    assert tenancy.call("POST", "/v1/deletions", json={"person_id": trainer}).status_code == 201
    assert tenancy.call("GET", "/v1/rubrics/1").json()["author"] is None
    with reading(world.engine) as session:
        assert last_switch(session, tenancy.id).author is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"weights": {**WEIGHTS, "kp": 16}}, "weights"),
        ({"weights": {d: w for d, w in WEIGHTS.items() if d != "kp"}}, "weights"),
        ({"weights": {**WEIGHTS, "kp": 13, "need": 13}}, "weights.kp"),
        ({"weights": {**WEIGHTS, "kp": 42, "need": -16}}, "weights.kp"),
        ({"weights": {**WEIGHTS, "kp": "14"}}, "weights.kp"),
        ({"weights": {**WEIGHTS, "kp": 14.0}}, "weights.kp"),
        ({"weights": {**WEIGHTS, "look": 0}}, "weights.look.(unknown)"),
        ({}, "weights"),
        ({"weights": WEIGHTS, "advice": {"kp": {"absent": "字" * 121}}}, "advice.kp.absent"),
        ({"weights": WEIGHTS, "advice": {"kp": {"specific": "x"}}}, "advice.kp.specific"),
        ({"weights": WEIGHTS, "additions": {"kp": {"vague": "两\n行"}}}, "additions.kp.vague"),
        ({"weights": WEIGHTS, "additions": {"kp": {"vague": "反\u202e写"}}}, "additions.kp.vague"),
        ({"weights": WEIGHTS, "questions": {"why": "为什么？"}}, "questions.why.(unknown)"),
        ({"weights": WEIGHTS, "questions": {"pressure": "{person.__class__}急吗？"}}, "questions.pressure"),
        ({"weights": WEIGHTS, "questions": {"pressure": "{person!r}急吗？"}}, "questions.pressure"),
        ({"weights": WEIGHTS, "questions": {"pressure": "{person:>999999}急吗？"}}, "questions.pressure"),
        ({"weights": WEIGHTS, "questions": {"pressure": "{}急吗？"}}, "questions.pressure"),
        ({"weights": WEIGHTS, "questions": {"pressure": "{person急吗？"}}, "questions.pressure"),
        ({"weights": WEIGHTS, "remark": "字" * 201}, "remark"),
        ({"weights": WEIGHTS, "grades": {}}, "grades"),
    ],
)  # fmt: skip
def test_a_bad_value_is_named(tenancy: Tenancy, body: dict, field: str) -> None:
    answer = tenancy.call("POST", "/v1/rubrics", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert field in [e["field"] for e in answer.json()["errors"]], answer.text
    assert tenancy.call("GET", "/v1/rubrics").json()["rubrics"] == []


def test_a_trial_tells_whose_score_moves_and_changes_none(tenancy: Tenancy) -> None:
    ids = furnish(tenancy)  # scores 100, 0, 7, 20, 89, 50, 0 (no rep) and 0 in October
    version = keep(tenancy)  # kp 14 → 24, figures 10 → 0
    found = attempt(tenancy, version)
    # n3 {kp: 1} 7 → 12; n4 {kp: 2, need: 1} 20 → 30; n5 all but reflection and half of next_step: as before; n6 all 1: as before
    assert (found["notes"], found["left_out"], found["moved"], found["up"], found["down"]) == (8, 0, 2, 2, 0)
    assert [(n["note_id"], n["before"], n["after"]) for n in found["most"]] == [(ids["n4"], 20, 30), (ids["n3"], 7, 12)]
    assert (found["mean_before"], found["mean_after"]) == (33.2, 35.1)
    moves = {r["name"]: (r["notes"], r["mean_before"], r["mean_after"], r["move"]) for r in found["reps"]}
    assert moves == {"销售1": (6, 36.0, 38.5, 2.5), "销售2": (1, 50.0, 50.0, 0.0), "未注明销售": (1, 0.0, 0.0, 0.0)}
    assert [(b["low"], b["before"], b["after"]) for b in found["bins"] if b["before"] or b["after"]] == [
        (0, 4, 3), (10, 0, 1), (20, 1, 0), (30, 0, 1), (50, 1, 1), (80, 1, 1), (90, 1, 1),
    ]  # fmt: skip
    assert {g["grade"]: (g["before"], g["after"]) for g in found["grades"]} == {"优": (2, 2), "良": (0, 0), "中": (1, 1), "差": (5, 5)}
    assert attempt(tenancy, version, **{"from": "2026-11-10"})["notes"] == 4
    assert attempt(tenancy, version, "trainer")["notes"] == 6
    assert tenancy.call("POST", f"/v1/rubrics/{version}/trial", "trainer", json={"team": tenancy.teams[1]}).status_code == 404
    assert tenancy.call("GET", f"/v1/notes/{ids['n4']}").json()["analysis"]["result"]["quality"]["score"] == 20
    assert tenancy.call("POST", "/v1/rubrics/7/trial", json={}).status_code == 404


def test_only_what_was_tried_is_switched_on_and_back(tenancy: Tenancy) -> None:
    version = keep(tenancy)
    refused = tenancy.call("POST", f"/v1/rubrics/{version}/switch")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-tried")
    attempt(tenancy, version)
    switch(tenancy, version)
    assert tenancy.call("GET", "/v1/rubrics").json()["previous"] == 0
    assert tenancy.call("POST", "/v1/rubrics/rollback").json() == {"on": 0}
    assert tenancy.call("POST", "/v1/rubrics/rollback").json() == {"on": version}
    assert tenancy.call("POST", "/v1/rubrics/9/switch").status_code == 404
    other = tenancy.world.tenant()
    assert other.call("POST", f"/v1/rubrics/{version}/switch").status_code == 404
    assert other.call("POST", "/v1/rubrics/rollback").json() == {"on": 0}


def test_new_results_carry_what_is_on_and_old_ones_stay(tenancy: Tenancy) -> None:
    old = tenancy.store(TEXT, crm_id="a")
    assert "rubric_version" not in json.dumps(old["analysis"]["result"])
    own = "上面是谁，{above}为什么没来？"
    version = switched_on(tenancy, advice={"reflection": {"absent": "说说自己"}}, additions={"reflection": {"absent": "补一句自己"}}, questions={"reach_first_kp": own})  # fmt: skip
    for role in ("admin", "rep", "draft"):
        draft = tenancy.call("POST", "/v1/analyses", role, json={"text": TEXT, "draft": True}).json()
        assert draft["quality"]["rubric_version"] == version
        assert {d["id"]: d["weight"] for d in draft["quality"]["dimensions"]} == OWN
        assert draft["quality"]["score"] == contributions(draft)
    reflection = next(d for d in draft["quality"]["dimensions"] if d["id"] == "reflection")
    assert (reflection["level"], reflection["advice"], reflection["addition"]) == (0, "说说自己", "补一句自己")
    asked = [q["text"] for q in draft["questions"] if q["id"] == "reach_first_kp"]
    assert all(text == "上面是谁，王总为什么没来？" for text in asked)
    batch = tenancy.call("POST", "/v1/analyses/batch", json={"notes": [{"text": TEXT}]}).json()["analyses"][0]
    assert batch == {**draft, "id": None}
    new = tenancy.store(TEXT, crm_id="b")["analysis"]
    assert (new["rubric_version"], new["result"]["quality"]) == (version, draft["quality"])
    assert tenancy.store(TEXT, crm_id="a")["analysis"] == old["analysis"]
    listed = {n["crm_id"]: (n["analysis"]["rubric_version"], n["analysis"]["score"]) for n in tenancy.call("GET", "/v1/notes").json()["notes"]}  # fmt: skip
    assert listed == {"a": (0, old["analysis"]["result"]["quality"]["score"]), "b": (version, draft["quality"]["score"])}
    assert "rubric_version" not in tenancy.world.http.post("/v1/analyses", json={"text": TEXT}).text  # nobody's draft
    assert "rubric_version" not in tenancy.world.tenant().call("POST", "/v1/analyses", json={"text": TEXT}).text


def test_applied_to_past_notes_and_back_the_old_scores_are_kept(tenancy: Tenancy) -> None:
    ids = furnish(tenancy)
    version = keep(tenancy)
    refused = tenancy.call("POST", f"/v1/rubrics/{version}/apply", json=NOVEMBER)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-on")
    attempt(tenancy, version)
    switch(tenancy, version)
    assert tenancy.call("POST", f"/v1/rubrics/{version}/apply", "trainer", json=NOVEMBER).json() == {"applied": 6, "unreadable": 0, "next": None}  # fmt: skip
    assert tenancy.call("POST", f"/v1/rubrics/{version}/apply", json=NOVEMBER).json()["applied"] == 2
    assert tenancy.call("POST", f"/v1/rubrics/{version}/apply", json=NOVEMBER).json()["applied"] == 0
    analyses = tenancy.call("GET", f"/v1/notes/{ids['n4']}/analyses").json()["analyses"]
    assert [(a["rubric_version"], a["result"]["quality"]["score"], a["current"], a["model_version"]) for a in analyses] == [
        (version, 30, True, "v1"), (0, 20, False, "v1"),
    ]  # fmt: skip
    assert {n["id"] for n in tenancy.call("GET", "/v1/notes?min_score=30&max_score=40").json()["notes"]} == {ids["n4"]}
    audit = tenancy.call("GET", "/v1/audits?from=2026-10-01&to=2026-11-30").json()
    assert (audit["mean_score"], audit["rubric_versions"]) == (35.1, [{"version": version, "notes": 8}])
    assert attempt(tenancy, version)["moved"] == 0
    assert tenancy.call("POST", "/v1/rubrics/rollback").json() == {"on": 0}
    assert tenancy.call("POST", "/v1/rubrics/0/apply", json=NOVEMBER).json()["applied"] == 8
    again = tenancy.call("GET", f"/v1/notes/{ids['n4']}").json()["analysis"]
    assert (again["rubric_version"], again["result"]) == (0, analyses[1]["result"])


def test_parts_lost_count_by_the_rubric_each_score_carries(tenancy: Tenancy) -> None:
    add(tenancy, "2026-11-02", analysis(levels={**dict.fromkeys(DIMENSIONS, 2), "kp": 0}))
    switched_on(tenancy)
    tenancy.store("王总", visited_at="2026-11-03", rep_id=tenancy.reps[0])
    audit = tenancy.call("GET", "/v1/audits?from=2026-11-01&to=2026-11-30").json()
    part = next(p for p in audit["parts"] if p["dimension"] == "figures")
    assert (part["weight"], part["missing"], part["points_lost"]) == (0, 1, 0)  # the one that lacks figures is scored by a rubric without
    assert sorted((r["version"], r["notes"]) for r in audit["rubric_versions"]) == [(0, 1), (1, 1)]
    score = next(n["analysis"]["score"] for n in tenancy.call("GET", "/v1/notes").json()["notes"] if n["text"] == "王总")
    assert sum(p["points_lost"] for p in audit["reps"][0]["parts"]) == pytest.approx((14 + 100 - score) / 2, abs=0.5)
