from __future__ import annotations

import copy
from typing import Any

import pytest

from training.agreement import differences, settled
from training.corpus import read_split

NOTE = next(n for n in read_split("dev") if n["objections"] and n["people"] and n["next_step"] and n["rubric"]["need"] == 2)


def changed(**fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(NOTE), **fields}


def found(second: dict[str, Any]) -> list[str]:
    return [field for field, _, _ in differences(NOTE, second)]


def test_a_label_does_not_differ_from_itself() -> None:
    assert found(copy.deepcopy(NOTE)) == []


def test_a_quote_one_character_longer_is_the_same() -> None:
    step = NOTE["next_step"]
    at = NOTE["text"].index(step["quote"])
    longer = NOTE["text"][at : at + len(step["quote"]) + 1]
    assert found(changed(next_step={**step, "quote": longer})) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "flow_of_events" if NOTE["kind"] == "diagnostic" else "diagnostic"}, ["kind"]),
        ({"objections": []}, ["objections"]),
        ({"objections": [{**o, "status": "resolved" if o["status"] == "open" else "open"} for o in NOTE["objections"]]}, ["objections"]),
        ({"people": [{**p, "met": not p["met"]} for p in NOTE["people"]]}, ["people"]),
        ({"next_step": None}, ["next_step"]),
        ({"rubric": {**NOTE["rubric"], "need": 1}}, ["rubric.need"]),
    ],
)
def test_what_differs_is_named(fields: dict[str, Any], expected: list[str]) -> None:
    assert found(changed(**fields)) == expected


def test_the_decision_takes_one_label_or_the_other() -> None:
    second = changed(objections=[], rubric={**NOTE["rubric"], "need": 0}, evidence={})
    keys = [(NOTE["id"], "objections"), (NOTE["id"], "rubric.need")]
    first_stands = settled(NOTE, second, dict.fromkeys(keys, 1))
    assert (first_stands["objections"], first_stands["rubric"]) == (NOTE["objections"], NOTE["rubric"])
    second_stands = settled(NOTE, second, dict.fromkeys(keys, 2))
    assert (second_stands["objections"], second_stands["rubric"]["need"]) == ([], 0)
    assert "need" not in second_stands["evidence"]
    assert NOTE["rubric"]["need"] == 2


def test_a_difference_without_a_decision_is_an_error() -> None:
    with pytest.raises(KeyError):
        settled(NOTE, changed(objections=[]), {})
