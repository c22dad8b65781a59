"""Report files opened again: workbook, HTML, PDF; and the pages' answers that need no browser."""

from __future__ import annotations

import functools
import io
import re
import shutil
import subprocess
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openpyxl import load_workbook

from models.labels import DIMENSIONS
from service import cli
from service.accounts.access import Principal
from service.audits import charts, report, workbook
from service.audits.audit import audit
from service.audits.marking import pieces
from service.audits.result import Audit
from service.audits.selection import AuditFilter, settle
from service.database import reading
from service.notes.facts import KIND, LEVELS, OBJECTIONS, SCORE
from service.notes.store import RESULT
from service.rendering import Pages
from tests.service.audits.house import TEXT, TODAY, add, analysis, furnish
from tests.service.conftest import Tenancy

HOSTILE = '=HYPERLINK("x")<script>alert(1)</script>\u202e坏\x0b\u200b'


def made(tenancy: Tenancy, customer: str | None = None) -> Audit:
    furnish(tenancy)
    if customer:
        for day in ("2026-11-02", "2026-11-03", "2026-11-04"):
            add(tenancy, day, analysis(), customer=customer)
    with reading(tenancy.world.engine) as session:
        return audit(session, Principal(tenancy.id, "", "admin"), settle(AuditFilter(), TODAY))


@pytest.fixture
def found(tenancy: Tenancy) -> Audit:
    return made(tenancy, HOSTILE)


class _Reader(HTMLParser):
    """The tags of a page and the text outside its style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_workbook_holds_the_figures_and_runs_nothing(found: Audit) -> None:
    content = workbook.xlsx(found)
    book = load_workbook(io.BytesIO(content))
    assert [c.value for c in book["得分分布"][2]] == ["0–9", 0, 7]
    reps = {row[0].value: [c.value for c in row] for row in book["各销售的得分分布"].iter_rows(min_row=2)}
    assert reps["销售2"][:5] == ["销售2", 1, 50, 1, 0]
    assert [c.value for c in book["客户异议"][2]] == ["价格", 2, 1]
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert all(c.data_type != "f" for c in cells)
    assert any(isinstance(c.value, str) and c.value.startswith("'=HYPERLINK") for c in cells)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        pictures = [n for n in packed.namelist() if n.endswith(".png")]
        assert len(pictures) == len(charts.TITLES)
        assert all(packed.read(n).startswith(b"\x89PNG") for n in pictures)


def test_the_html_report_stands_alone(found: Audit) -> None:
    html = report.html(found, Pages().environment, TODAY)
    page = _Reader(html)
    tags = [tag for tag, _ in page.tags]
    assert not {"script", "link", "iframe", "a"} & set(tags)
    sources = [a["src"] for tag, a in page.tags if tag == "img"]
    assert len(sources) == len(charts.TITLES)
    assert all(s and s.startswith("data:image/svg+xml;base64,") for s in sources)
    assert all(a["alt"] for tag, a in page.tags if tag == "img")
    assert "url(" not in html.split("</style>")[0]
    assert HOSTILE[:14] in page.text
    for text in ("每个销售练一件事", "看了三次没见到第一KP", "练“真实异议”", TEXT, "v1（10 条）"):
        assert text in page.text


def test_the_pdf_is_in_chinese(found: Audit, tmp_path: Path) -> None:
    content = report.pdf(report.html(found, Pages().environment, TODAY), None)
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) > 3 or b"ObjStm" in content
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("pdftotext (poppler-utils) is not on this machine")
    (tmp_path / "a.pdf").write_bytes(content)
    text = subprocess.run([reader, str(tmp_path / "a.pdf"), "-"], capture_output=True, check=True, text=True).stdout
    assert "团队审计" in text
    assert "每个销售练一件事" in text


def test_without_chromium_it_is_said(tenancy: Tenancy, tmp_path: Path) -> None:
    with pytest.raises(report.PdfError, match="FUPAN_CHROMIUM_PATH"):
        report.pdf("<p>", tmp_path / "nothing")
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o700)
    with pytest.raises(report.PdfError, match="CalledProcessError"):
        report.pdf("<p>绝密", broken)


@pytest.mark.parametrize("name", charts.TITLES)
def test_every_chart_draws_also_when_there_is_little(tenancy: Tenancy, name: str) -> None:
    add(tenancy, "2026-11-02", analysis())
    with reading(tenancy.world.engine) as session:
        small = audit(session, Principal(tenancy.id, "", "admin"), settle(AuditFilter(), TODAY))
    assert charts.svg(name, small).startswith("<svg")


def test_the_command_writes_reports(tenancy: Tenancy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    furnish(tenancy)
    url = tenancy.world.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("FUPAN_DATABASE_URL", url)
    run = CliRunner().invoke
    base = ["audit", "--tenant", tenancy.id, "--from", "2026-11-01", "--to", "2026-11-24"]
    for ending, begins in (("xlsx", b"PK"), ("html", b"<!doctype html>")):
        out = tmp_path / f"report.{ending}"
        result = run(cli.app, [*base, "--team", "一组", "--out", str(out)])
        assert (result.exit_code, "5 notes" in result.output) == (0, True), result.output
        assert out.read_bytes().startswith(begins)
    assert run(cli.app, [*base, "--out", str(tmp_path / "report.doc")]).exit_code == 2
    assert run(cli.app, [*base, "--team", "三组", "--out", str(tmp_path / "a.html")]).exit_code == 1


def test_pieces_are_the_whole_text_whatever_overlaps() -> None:
    text = "王总😀说贵\u202e，要再考虑"
    result = RESULT.dump_python(analysis("diagnostic", 1, objections=(("price", "open"), ("stall", "open"))), mode="json")
    result["people"] = [{"start": 0, "end": 9, "decision_role": "first_kp", "met": True}]
    made = pieces(text, result)
    assert "".join(p.text for p in made) == text
    assert [p.layer for p in made if "贵" in p.text or "说" in p.text] == ["person", "person"]
    assert {p.place for p in made if p.place is not None} == {0, 3, 5}


def test_bit_fields_do_not_touch() -> None:
    fields = [SCORE, KIND, *OBJECTIONS.values(), *(LEVELS[d] for d in DIMENSIONS)]
    masks = [f.mask << f.shift for f in fields]
    assert sum(masks) == functools.reduce(int.__or__, masks)
    with pytest.raises(ValueError):
        SCORE.put(128)
    with pytest.raises(ValueError):
        LEVELS["kp"].put(-1)
