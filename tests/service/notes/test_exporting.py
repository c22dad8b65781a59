"""Exports: complete, streamed, and no cell a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.notes import listing
from service.notes.exporting import FORMULA_STARTS, cell
from tests.service.conftest import Tenancy


def lines(tenancy: Tenancy, role: str = "admin", **query: object) -> list[dict]:
    answer = tenancy.call("GET", "/v1/exports/notes", role, params={"format": "csv", **query})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_json_lines_are_the_notes_as_they_are_read(tenancy: Tenancy) -> None:
    stored = [tenancy.store(text, customer="恒达") for text in ("王总嫌贵", '李姐"签了"\n\u2028第二行')]
    answer = tenancy.call("GET", "/v1/exports/notes", params={"customer": "恒达"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.content.split(b"\n")[:-1]] == sorted(stored, key=lambda n: n["id"], reverse=True)


def test_csv_has_columns_and_multiline_text(tenancy: Tenancy) -> None:
    stored = tenancy.store("李经理说12.8万贵了3万，\r\n要问王总", customer="恒达", visited_at="2026-11-20", rep_id=tenancy.reps[0])
    tenancy.store("王总嫌贵")
    (row,) = lines(tenancy, customer="恒达")
    assert row["text"].replace("\r\n", "\n") == stored["text"].replace("\r\n", "\n")
    assert (row["id"], row["visited_at"], row["rep_id"]) == (stored["id"], "2026-11-20", tenancy.reps[0])
    assert int(row["score"]) == stored["analysis"]["result"]["quality"]["score"]
    assert "price:open" in row["objections"]
    assert len(lines(tenancy)) == 2
    assert len(lines(tenancy, "trainer")) == 1


@pytest.mark.parametrize(
    "formula",
    ["=1+1", "+86 138", "-3万", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠x", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0"],
)
def test_a_formula_is_kept_from_running(tenancy: Tenancy, formula: str) -> None:
    tenancy.store(formula + " 王总嫌贵", customer="=1", crm_id="@c")
    answer = tenancy.call("GET", "/v1/exports/notes", params={"format": "csv"})
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert row["text"] == "'" + formula + " 王总嫌贵"
    assert (row["customer"], row["crm_id"]) == ("'=1", "'@c")


@given(st.text(max_size=20))
def test_no_text_begins_as_a_formula(value: str) -> None:
    assert not cell(value).startswith(FORMULA_STARTS)
    assert cell(value).removeprefix("'") == value.removeprefix("'")


def test_our_own_numbers_stay_numbers() -> None:
    assert [cell(v) for v in (-3000.0, 0, None)] == [-3000.0, 0, None]


def test_an_export_goes_on_from_part_to_part(tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PART", 2)
    stored = {tenancy.store(f"第{i}家嫌贵")["id"] for i in range(5)}
    assert {row["id"] for row in lines(tenancy)} == stored
    assert lines(tenancy, q="没有这样的话") == []


def test_a_wrong_export_is_named(tenancy: Tenancy) -> None:
    assert tenancy.call("GET", "/v1/exports/notes", params={"format": "xls"}).status_code == 422
    assert tenancy.call("GET", "/v1/exports/notes", params={"limit": "1"}).status_code == 422
