"""Files as CRMs export them, and what tests do with an import."""

from __future__ import annotations

import io
import re
from datetime import datetime

import openpyxl
from starlette.testclient import TestClient

from service.database import reading
from service.imports.tables import Import
from tests.service.conftest import Tenancy
from tests.service.sessions.test_login import log_in, token_in, visitor

HEADER = ["记录编号", "客户名称", "负责人", "拜访日期", "拜访内容"]
TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"


def table(rows: int = 3) -> list[list[str]]:
    """Rows of notes, the text of each its own."""
    return [
        [f"v-{i}", "恒达五金" if i % 2 else "城北机械", "王小明" if i % 2 else "李红", f"2026/11/{i % 28 + 1}", f"第{i}次：{TEXT}"]
        for i in range(1, rows + 1)
    ]


def csv_file(rows: list[list[str]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    return "\r\n".join(delimiter.join(r) for r in [HEADER, *rows]).encode(encoding)


def xlsx_file(rows: list[list[object]], header: list[str] | None = None) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    sheet.append(["拜访记录导出"])
    sheet.append(header or HEADER)
    for row in rows:
        sheet.append([datetime.strptime(c, "%Y/%m/%d") if isinstance(c, str) and re.fullmatch(r"2026/\d+/\d+", c) else c for c in row])
    book.save(out)
    return out.getvalue()


class Importing:
    """Somebody at the import page, and the worker stepped by hand."""

    def __init__(self, tenancy: Tenancy, role: str = "admin") -> None:
        self.tenancy, self.imports = tenancy, tenancy.world.imports
        self.browser: TestClient = visitor(tenancy.world)
        log_in(self.browser, tenancy.keys[role])
        self.csrf = token_in(self.browser.get("/import").text)

    def upload(self, content: bytes, name: str = "导出.csv", team: str = ""):
        return self.browser.post("/import", data={"csrf": self.csrf, "team": team}, files={"file": (name, content)})

    def uploaded(self, content: bytes, name: str = "导出.csv", team: str = "") -> str:
        answer = self.upload(content, name, team)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].rsplit("/", 1)[1]

    def guessed(self, import_id: str) -> dict[str, str]:
        """The matching form as it stands."""
        page = self.browser.get(f"/import/{import_id}").text
        out = {}
        for name, body in re.findall(r'<select[^>]* name="([^"]+)">(.*?)</select>', page, re.DOTALL):
            chosen = re.search(r'value="([^"]*)" selected', body)
            out[name] = chosen[1] if chosen else ""
        return out

    def start(self, import_id: str, **changes: str):
        fields = {**self.guessed(import_id), **{k.replace("_", "-"): v for k, v in changes.items()}}
        return self.browser.post(f"/import/{import_id}", data={"csrf": self.csrf, **fields})

    def work(self, import_id: str, parts: int = 10_000) -> None:
        """So many parts of its work; a part is one transaction or the reading of the file."""
        left = iter(range(parts))
        self.imports.working.go_on(import_id, lambda: next(left, None) is None, lambda: False)

    def row(self, import_id: str) -> Import:
        with reading(self.tenancy.world.engine) as session:
            row = session.get_one(Import, import_id)
            session.expunge(row)
            return row

    def whole(self, content: bytes, name: str = "导出.csv", team: str = "", **changes: str) -> Import:
        import_id = self.uploaded(content, name, team)
        assert self.start(import_id, **changes).status_code == 303
        self.work(import_id)
        return self.row(import_id)

    def notes(self) -> list[dict]:
        return self.tenancy.call("GET", "/v1/notes?limit=200").json()["notes"]
