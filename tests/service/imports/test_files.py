"""Readers of files, dates and the guess: tables with negatives, and whatever bytes there are."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.imports.cells import FileError, RowFault
from service.imports.days import order_of, read_day, share_of_days
from service.imports.files import kind_of, open_sheet, sample
from service.imports.guessing import guess
from tests.service.imports.exports import TEXT, xlsx_file


@pytest.mark.parametrize(
    "text",
    ["2026-11-05", "2026/11/5", "2026.11.05", "2026年11月5日", "26年11月5日", "2026年11月5号 星期四", "2026-11-05 14:30", "2026/11/5 14:30:00", "20261105", "20261105143000",
     "46331", "46331.6", "1793858400", "1793858400000", "2026-11-05T14:30:00+08:00", "Nov 5, 2026", "5 Nov 2026", "November 5, 2026", "11/5/2026", "11/05/26", "11-5-2026 08:00"],
)  # fmt: skip
def test_dates_of_all_usual_forms(text: str) -> None:
    assert read_day(text, "mdy") == date(2026, 11, 5)


@pytest.mark.parametrize("text", ["", "昨天", "2026-13-01", "31/31/2026", "12.8", "1", "99999", "王总", "2026", "0001-01-01"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        read_day(text, "mdy")


def test_the_column_tells_whether_the_day_stands_first() -> None:
    assert order_of(["1/2/2026", "13/2/2026"]) == "dmy"
    assert order_of(["1/2/2026", "2/13/2026"]) == "mdy"
    assert read_day("1/2/2026", "dmy") == date(2026, 2, 1)
    assert share_of_days(["1/2/2026", "王总"]) == 0.5


@given(
    st.dates(date(1990, 1, 1), date(2069, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y%m%d", "%m/%d/%Y", "%m/%d/%y"]),
)
def test_every_day_is_read_as_it_was_written(day: date, form: str) -> None:
    if form == "%m/%d/%y":
        day = max(day, date(2000, 1, 1)) if day.year < 2000 else day
    assert read_day(day.strftime(form), "mdy") == day
    assert read_day(str((day - date(1899, 12, 30)) // timedelta(days=1)), "mdy") == day


@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.jsonl", "a.xlsx", "a"]))
def test_whatever_the_bytes_they_are_read_or_refused(content: bytes, name: str) -> None:
    file = io.BytesIO(content)
    with suppress(FileError):
        guess(sample(file, kind_of(file, name)))


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), min_size=3, max_size=3), min_size=1, max_size=5)
)
@example([[";", ";", ";"]])
def test_csv_keeps_its_cells(rows: list[list[str]]) -> None:
    import csv

    out = io.StringIO()
    csv.writer(out).writerows([["甲", "乙", "丙"], *rows])
    read = [cells for _, cells in open_sheet(io.BytesIO(out.getvalue().encode("utf-8")), "csv").rows]
    assert read == [r for r in rows if any(c.strip() for c in r)]


def bomb(size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * size)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (bomb(60_000_000), "a.xlsx", "解压后太大"),
        (bomb(1000), "a.xlsx", "不是 Excel"),
        (b"PK\x03\x04broken", "a.xlsx", "不是 Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", "旧格式"),
        (b"", "a.csv", "空的"),
        ("记录,日期\n".encode(), "a.csv", "没有内容"),
        (b'a,b\n"' + b"x" * 1_100_000, "a.csv", "引号"),
        (b"\xff\xff\xff", "a.csv", "编码"),
        (b"[1]\nx\n", "a.jsonl", "没有一行"),
        (b"x", "a.pdf", "只能导入"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(content: bytes, name: str, said: str) -> None:
    file = io.BytesIO(content)
    with pytest.raises(FileError, match=said):
        sample(file, kind_of(file, name))


def test_entities_of_a_workbook_are_not_expanded() -> None:
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&b;</t></si></sst>'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx_file([["1", "客户", "王", "2026/11/1", TEXT]]))) as right, zipfile.ZipFile(out, "w") as wrong:
        for name in right.namelist():
            wrong.writestr(name, evil if name == "xl/worksheets/sheet1.xml" else right.read(name))
    with pytest.raises(FileError):
        sample(out, "xlsx")


def test_broken_lines_of_json_stand_in_their_place() -> None:
    rows = list(open_sheet(io.BytesIO(b'{"note": "a"}\n[1]\n\xff\n{"note": {"inner": 1}}\n'), "jsonl").rows)
    assert [n for n, _ in rows] == [1, 2, 3, 4]
    assert isinstance(rows[1][1], RowFault)
    assert isinstance(rows[2][1], RowFault)


@pytest.mark.parametrize(
    ("header", "values", "field"),
    [
        ("跟进内容", [TEXT], "text"), ("Visit Notes", [TEXT], "text"), ("不认识的列", [TEXT], "text"), ("实际拜访时间", ["2026-11-01 10:00"], "visited_at"),
        ("业务员", ["王小明"], "rep"), ("Account Name", ["恒达"], "customer"), ("客户编号", ["c1"], "customer_id"), ("所属部门", ["一组"], "team"),
        ("拜访日期", ["王小明", "李红"], None), ("金额", ["12.8"], None), ("城市", ["温州"], None),
    ],
)  # fmt: skip
def test_the_guess(header: str, values: list[str], field: str | None) -> None:
    file = io.BytesIO("\n".join([header, *values]).encode())
    assert {i: f for f, i in guess(sample(file, "csv")).items()}.get(0) == field
