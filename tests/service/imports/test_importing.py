"""From an uploaded file to notes, on both databases."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.accounts.tables import Person, Team
from service.database import reading, writing
from service.durable import Handover
from service.imports import store
from service.imports.tables import ImportFault, ImportPart, ImportRow
from service.imports.working import MovedError
from tests.service.conftest import Tenancy
from tests.service.imports.exports import HEADER, TEXT, Importing, csv_file, table, xlsx_file
from tests.service.sessions.test_login import log_in, token_in, visitor


@pytest.fixture
def admin(tenancy: Tenancy) -> Importing:
    return Importing(tenancy)


def count(importing: Importing, table_: type, *conditions) -> int:
    with reading(importing.tenancy.world.engine) as session:
        return session.scalar(select(func.count()).select_from(table_).where(table_.tenant_id == importing.tenancy.id, *conditions))


JSONL = "\n".join(json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) for row in table()).encode()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (csv_file(table()), "a.csv"),
        (csv_file(table(), "utf-8-sig"), "a.csv"),
        (csv_file(table(), "gb18030", ";"), "a.csv"),
        (csv_file(table(), "utf-16", "\t"), "a.txt"),
        (xlsx_file(table()), "a.xlsx"),
        (JSONL, "a.jsonl"),
    ],
)
def test_every_form_of_export_becomes_the_same_notes(admin: Importing, content: bytes, name: str) -> None:
    row = admin.whole(content, name)
    assert (row.state, row.total, row.stored, row.known, row.faults) == ("done", 3, 3, 0, 0)
    notes = sorted(admin.notes(), key=lambda n: n["crm_id"])
    assert [(n["crm_id"], n["customer"], n["visited_at"], n["text"]) for n in notes] == [
        (r[0], r[1], r[3].replace("/11/", "-11-0"), r[4]) for r in table()
    ]
    assert all(n["analysis"]["score"] > 0 and n["rep_id"] for n in notes)
    assert count(admin, Person, Person.name == "王小明") == 1
    assert count(admin, ImportPart) == count(admin, ImportRow) == 0


def test_nothing_is_seen_before_all_is_in(admin: Importing) -> None:
    import_id = admin.uploaded(csv_file(table(120)))
    admin.start(import_id)
    for parts in (1, 1, 1):
        admin.work(import_id, parts)
        assert admin.notes() == []
    assert admin.row(import_id).stored > 0
    audited = "/v1/audits?from=2026-01-01&to=2026-12-31"
    assert admin.tenancy.call("GET", audited).json()["notes"] == 0
    admin.work(import_id)
    assert len(admin.notes()) == admin.tenancy.call("GET", audited).json()["notes"] == 120


def test_two_workers_and_a_new_beginning_take_each_row_once(admin: Importing) -> None:
    import_id = admin.uploaded(csv_file(table(130)))
    admin.start(import_id)
    admin.work(import_id, 2)
    working = admin.imports.working
    known_before = working._row(import_id)
    admin.work(import_id, 1)
    with pytest.raises(MovedError), writing(working.engine) as session:  # the slower one finds it moved
        working._move(session, known_before, stored=99)
    admin.work(import_id)
    admin.work(import_id)
    row = admin.row(import_id)
    assert (row.state, row.total, row.handled, row.stored) == ("done", 130, 130, 130)
    assert len({n["crm_id"] for n in admin.notes()}) == len(admin.notes()) == 130


def test_a_corrected_column_is_what_counts(admin: Importing) -> None:
    header = ["编号", "甲", "乙", "日期"]
    rows = [["1", "恒达五金", TEXT, "3/11/2026"], ["2", "城北机械", TEXT, "13/11/2026"]]
    content = "\n".join(",".join(r) for r in [header, *rows]).encode()
    import_id = admin.uploaded(content)
    assert admin.guessed(import_id) == {
        "column-0": "crm_id",
        "column-1": "",
        "column-2": "text",
        "column-3": "visited_at",
        "order": "dmy",
        "unknown": "create",
    }
    twice = admin.browser.post(
        f"/import/{import_id}", data={"csrf": admin.csrf, "column-1": "text", "column-2": "text", "order": "dmy", "unknown": "create"}
    )
    assert twice.status_code == 422
    assert "只能选一列" in twice.text
    admin.start(import_id, column_1="customer")
    admin.work(import_id)
    assert sorted((n["customer"], n["visited_at"]) for n in admin.notes()) == [("城北机械", "2026-11-13"), ("恒达五金", "2026-11-03")]


def test_rows_at_fault_are_told_and_the_others_come_in(admin: Importing) -> None:
    rows = table(2)
    rows += [["v-3", "客户", "王小明", "没有日期", TEXT], ["v-4", "客户", "王小明", "", TEXT], ["v-5", "客户", "王小明", "2026/11/5", " "]]
    rows += [["v-6", "客户", "王小明", "2026/11/6", "长" * 20_001], [*table(1)[0][:4], "同一个编号，另一段话，王总嫌贵"], table(2)[1]]
    row = admin.whole(csv_file(rows))
    assert (row.total, row.stored, row.known, row.faults) == (8, 2, 1, 5)
    answer = admin.browser.get(f"/import/{row.id}/errors.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    lines = [line.split(",")[:3] for line in answer.content.decode("utf-8-sig").splitlines()]
    assert lines == [
        ["行", "列", "内容"], ["4", "拜访日期", "拜访日期"], ["5", "拜访日期", "拜访日期"], ["6", "拜访内容", "拜访记录（正文）"],
        ["7", "拜访内容", "拜访记录（正文）"], ["8", "记录编号", "记录编号"],
    ]  # fmt: skip
    assert TEXT not in answer.text
    assert "没有日期" not in answer.text


def test_a_formula_in_a_header_is_text_in_the_downloaded_errors(admin: Importing) -> None:
    content = f"=HYPERLINK(1),日期\n{TEXT},2026-11-01\n,2026-11-02\n".encode()
    row = admin.whole(content, column_0="text")
    assert "3,'=HYPERLINK(1)," in admin.browser.get(f"/import/{row.id}/errors.csv").text


def test_the_same_file_again_adds_nothing(admin: Importing) -> None:
    admin.whole(csv_file(table()))
    import_id = admin.uploaded(csv_file(table()))
    assert "导入过" in admin.browser.get(f"/import/{import_id}").text
    admin.start(import_id)
    admin.work(import_id)
    assert (admin.row(import_id).stored, admin.row(import_id).known) == (0, 3)
    assert len(admin.notes()) == 3


@pytest.mark.parametrize("parts", [0, 1, 2, 10_000])
def test_cancel_removes_what_came_in(admin: Importing, parts: int) -> None:
    admin.tenancy.store(customer="早已有的")
    import_id = admin.uploaded(csv_file(table(70)))
    admin.start(import_id)
    admin.work(import_id, parts)
    assert admin.browser.post(f"/import/{import_id}/cancel", data={"csrf": admin.csrf}).status_code == 303
    admin.work(import_id)
    assert admin.row(import_id).state == "cancelled"
    assert [n["customer"] for n in admin.notes()] == ["早已有的"]
    assert count(admin, ImportPart) == count(admin, ImportRow) == count(admin, Person, Person.name == "李红") == 0
    assert admin.browser.post(f"/import/{import_id}/cancel", data={"csrf": admin.csrf}).status_code == 409


def test_what_the_crm_sends_itself_stays_when_the_import_is_taken_back(admin: Importing) -> None:
    row = admin.whole(csv_file(table()))
    admin.tenancy.store(text=table()[0][4] + "，已签", crm_id="v-1")
    admin.browser.post(f"/import/{row.id}/cancel", data={"csrf": admin.csrf})
    admin.work(row.id)
    assert [n["crm_id"] for n in admin.notes()] == ["v-1"]


def test_unknown_people_can_be_refused_and_namesakes_are(admin: Importing) -> None:
    rows = [["1", "客户", "销售1", "2026/11/1", TEXT], ["2", "客户", "没这个人", "2026/11/1", TEXT]]
    row = admin.whole(csv_file(rows), unknown="refuse")
    assert (row.stored, row.faults) == (1, 1)
    assert [n["rep_id"] for n in admin.notes()] == [admin.tenancy.reps[0]]


def test_a_trainer_imports_into_the_own_team_alone(tenancy: Tenancy) -> None:
    trainer, other = Importing(tenancy, "trainer"), Importing(tenancy.world.tenant(), "admin")
    assert trainer.upload(csv_file(table())).status_code == 422
    assert trainer.upload(csv_file(table()), team=tenancy.teams[1]).status_code == 422
    content = f"工号,客户,日期,备注\ncrm-2,客户,2026-11-01,{TEXT}\ncrm-1,客户,2026-11-01,{TEXT}\n"
    row = trainer.whole(content.encode(), team=tenancy.teams[0])
    assert (row.stored, row.faults) == (1, 1)
    for path in ("", "/progress", "/errors.csv"):
        assert other.browser.get(f"/import/{row.id}{path}").status_code == 404
    assert other.browser.post(f"/import/{row.id}/cancel", data={"csrf": other.csrf}).status_code == 404
    whole = Importing(tenancy).whole(csv_file(table()))
    assert trainer.browser.get(f"/import/{whole.id}").status_code == 404


def test_reps_and_strangers_do_not_import(tenancy: Tenancy) -> None:
    browser = tenancy.world.http
    assert browser.get("/import", follow_redirects=False).headers["location"] == "/login?next=/import"
    rep = visitor(tenancy.world)
    log_in(rep, tenancy.keys["rep"])
    assert rep.get("/import").status_code == 403
    assert rep.post("/import", files={"file": ("a.csv", csv_file(table()))}).status_code == 403


def test_a_csrf_token_is_needed(admin: Importing) -> None:
    assert admin.browser.post("/import", data={"csrf": "x"}, files={"file": ("a.csv", csv_file(table()))}).status_code == 403
    import_id = admin.uploaded(csv_file(table()))
    for path in (f"/import/{import_id}", f"/import/{import_id}/cancel"):
        assert admin.browser.post(path).status_code == 403
    assert admin.row(import_id).state == "uploaded"


def test_a_customer_deleted_meanwhile_does_not_come_in(admin: Importing) -> None:
    import_id = admin.uploaded(csv_file(table(4)))
    admin.start(import_id)
    admin.work(import_id, 1)
    receipt = admin.tenancy.call("POST", "/v1/deletions", json={"customer": "恒达五金"})
    assert receipt.json()["counts"]["import_rows"] == 2
    admin.work(import_id)
    assert {n["customer"] for n in admin.notes()} == {"城北机械"}


def test_the_sweep_hands_over_and_a_slice_goes_on(admin: Importing) -> None:
    world = admin.tenancy.world
    import_id = admin.uploaded(csv_file(table()))
    admin.start(import_id)
    world.imports.step()
    assert [h for h in world.handed if h.id == import_id] == [Handover(import_id, 0)]
    world.imports.step()
    assert [h for h in world.handed if h.id == import_id] == [Handover(import_id, 0)]
    world.clock.step(minutes=2)  # whoever had it died
    world.imports.step()
    assert Handover(import_id, 1) in world.handed
    world.imports.work(import_id, 1)
    assert admin.row(import_id).state == "done"


def test_a_file_nobody_goes_on_with_is_deleted(admin: Importing) -> None:
    import_id = admin.uploaded(csv_file(table()))
    with writing(admin.tenancy.world.engine) as session:
        store.purge(session, admin.tenancy.world.clock())
    assert admin.browser.get(f"/import/{import_id}").status_code == 200
    admin.tenancy.world.clock.step(hours=1)
    with writing(admin.tenancy.world.engine) as session:
        store.purge(session, admin.tenancy.world.clock() + timedelta(days=1))
    assert admin.browser.get(f"/import/{import_id}").status_code == 404
    assert count(admin, ImportPart) == count(admin, ImportFault) == 0
    assert count(admin, Team) == 2
    assert token_in(admin.browser.get("/import").text)
