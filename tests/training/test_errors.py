from __future__ import annotations

import copy
from typing import Any

import pytest
from rich.console import Console

from models.pipeline import Analyzer
from training.corpus import read_split
from training.errors import SHOW, print_errors, wrong

NOTE = next(n for n in read_split("dev") if n["people"] and n["objections"] and n["price"]["ours"] and n["next_step"])


def test_nothing_is_wrong_with_the_label_itself() -> None:
    assert [field for field in SHOW if wrong(field, NOTE, copy.deepcopy(NOTE))] == []


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("kind", {"kind": "?"}),
        ("people", {"people": []}),
        ("objections", {"objections": []}),
        (
            "price",
            {"price": {**NOTE["price"], "ours": NOTE["price"]["ours"] * 2 if isinstance(NOTE["price"]["ours"], (int, float)) else 1}},
        ),
        ("next_step", {"next_step": None}),
        ("questions", {"must_ask": []}),
    ],
)
def test_a_changed_field_is_wrong(field: str, change: dict[str, Any]) -> None:
    assert wrong(field, NOTE, {**NOTE, **change})


def test_errors_show_text_expected_and_found(analyzer: Analyzer) -> None:
    notes = read_split("dev")[:40]
    for field in SHOW:
        console = Console(record=True, width=200, file=open("/dev/null", "w"))  # noqa: SIM115
        print_errors(analyzer, notes, field, console)
        out = console.export_text()
        assert f"{field}: " in out
        assert out.count("expected") == out.count("found   ")
