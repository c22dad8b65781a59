"""`python -m service models`: from a trained folder to the active version and back, and what another version would change."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from models.pipeline import TRAINED, Analyzer, load
from service.analyzing import AnalyzerThread
from service.cli import app
from service.database import migrate, open_engine, reading
from service.rendering import Pages
from service.versions import figures, report
from service.versions.changes import NoteChange, Reading, sample, summed
from service.versions.figures import Figures, FiguresError
from service.versions.tables import ModelSwitch
from tests.conftest import TODAY
from tests.service.conftest import Tenancy, make_world
from tests.service.versions.shelving import make_model
from training.artefacts import predictions
from training.compare import compare
from training.corpus import read_split

TEXTS = (
    "到城东见了老板，报价12.8万，他说再看看，资料放前台",
    "王总嫌贵，说东明便宜两千，下周三带方案再去",
    "李经理嫌12.8万贵，说要问老板，下周二带样品再去",
)
Run = Callable[..., str]


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Analyzer]:
    """A trained folder whose judge thinks better of everything, and that model."""
    folder = make_model(tmp_path_factory.mktemp("trained") / "candidate", "v2", kinder=4.0)
    return folder, load(folder)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, analyzer: Analyzer, candidate: tuple[Path, Analyzer]) -> Run:
    """The command; files are checked each time, and a model once loaded is not loaded again."""
    monkeypatch.setenv("FUPAN_DATABASE_URL", f"sqlite:///{tmp_path / 'c.sqlite3'}")
    monkeypatch.setenv("FUPAN_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr("service.versions.shelf.load", lambda folder: analyzer if folder == TRAINED else candidate[1])

    def invoke(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    return invoke


@pytest.fixture
def tenancy(tmp_path: Path, analyzer: Analyzer) -> Iterator[Tenancy]:
    """A tenant in the command's database with three notes by two reps and none."""
    engine, thread = open_engine(f"sqlite:///{tmp_path / 'c.sqlite3'}"), AnalyzerThread(analyzer, lambda: TODAY)
    migrate(engine)
    made = make_world(engine, thread).tenant()
    for text, fields in zip(TEXTS, ({"rep_external_id": "crm-1"}, {"rep_external_id": "crm-2"}, {}), strict=True):
        made.store(text, **fields)
        made.world.clock.step(minutes=1)
    yield made
    thread.close()
    engine.dispose()


def test_from_a_trained_folder_to_the_active_version_and_back(
    run: Run, candidate: tuple[Path, Analyzer], tmp_path: Path, analyzer: Analyzer
) -> None:
    shipped = analyzer.card.version
    assert re.search(rf"\* +{shipped} +shipped", run("models", "list"))
    assert "no folder" in run("models", "promote", "v2", code=1)
    assert "v2 added to" in run("models", "add", str(candidate[0]))
    assert "already in" in run("models", "add", str(candidate[0]))
    assert "Active: v2, before it the shipped model" in run("models", "promote", "v2", "--by", "王主管")
    assert "already" in run("models", "promote", "v2", code=1)
    listed = run("models", "list")
    assert re.search(r"\* +v2", listed)
    assert re.search(r"promote +v2 +王主管", listed)
    file = tmp_path / "models" / "v2" / "card.json"
    file.write_bytes(file.read_bytes() + b" ")
    assert "checksum differs" in run("models", "list")
    assert "before it v2" in run("models", "rollback")
    refused = run("models", "promote", "v2", code=1)
    assert "checksum differs" in refused
    assert "Nothing was changed" in refused
    assert "No other version" in run("models", "rollback", code=1)
    assert re.search(rf"\* +{shipped} +shipped", run("models", "list"))
    assert "no name" in run("models", "promote", "../v2", code=1)
    assert "no trained model" in run("models", "add", str(tmp_path), code=1)


def test_a_rollback_to_a_version_that_is_gone_is_refused(run: Run, candidate: tuple[Path, Analyzer], tmp_path: Path) -> None:
    run("models", "add", str(candidate[0]))
    run("models", "promote", "v2")
    run("models", "promote", "shipped")
    (tmp_path / "models" / "v2").rename(tmp_path / "models" / ".aside")
    assert "Nothing was changed" in run("models", "rollback", code=1)
    with reading(open_engine(f"sqlite:///{tmp_path / 'c.sqlite3'}")) as session:
        assert [(s.kind, s.version) for s in session.query(ModelSwitch)] == [("promote", "v2"), ("promote", None)]


def test_promoting_with_reanalyze_keeps_what_the_old_version_said(
    run: Run, candidate: tuple[Path, Analyzer], tenancy: Tenancy, analyzer: Analyzer
) -> None:
    run("models", "add", str(candidate[0]))
    assert "3 notes, 3 analyzed again by v2" in run("models", "promote", "v2", "--reanalyze")
    for note in tenancy.call("GET", "/v1/notes").json()["notes"]:
        said = tenancy.call("GET", f"/v1/notes/{note['id']}/analyses").json()["analyses"]
        assert [a["model_version"] for a in said] == ["v2", analyzer.card.version]
    assert "3 notes, 0 analyzed again by v2" in run("reanalyze", "--tenant", tenancy.id)  # commands use the active version
    assert "3 notes, 3 analyzed again" in run("models", "rollback", "--reanalyze", "--tenant", tenancy.id)


def test_who_would_be_judged_otherwise(run: Run, candidate: tuple[Path, Analyzer], tenancy: Tenancy, tmp_path: Path) -> None:
    run("models", "add", str(candidate[0]))
    asked = ("models", "compare", "v2", "--tenant", tenancy.id, "--no-labelled")
    said = run(*asked, "--out", str(tmp_path / "r.xlsx"))
    assert "最近入库的 3 条里，3 条会变" in said
    assert {"销售1", "销售2", "未分配"} <= set(said.split())
    assert not [t for t in TEXTS if t[:6] in said]
    assert "另有 2 行" in run(*asked, "--top", "1")
    assert "最近入库的 1 条里" in run(*asked, "--notes", "1")
    assert "0 条会变" in run("models", "compare", "shipped", "--tenant", tenancy.id, "--no-labelled")
    book = load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == ["概览", "按销售", "按记录"]
    assert book["按记录"].max_row == 4
    assert "--out" in run(*asked, "--out", "r.pdf", code=2)
    assert "no folder" in run("models", "compare", "v9", code=1)
    assert "no such tenant" in run("models", "compare", "v2", "--tenant", "nobody", code=1)
    assert re.search(r"\* +\S+ +shipped", run("models", "list"))  # looking changes nothing


def test_the_sample_is_the_notes_stored_last_and_none_that_is_hidden(tenancy: Tenancy) -> None:
    with reading(tenancy.world.engine) as session:
        found = sample(session, tenancy.id, 2)
        assert [(s.text, s.rep) for s in found] == [(TEXTS[2], None), (TEXTS[1], "销售2")]
        assert sample(session, "tn_other", 2) == []


def change(note: str, rep: str | None, before: tuple, after: tuple) -> NoteChange:
    return NoteChange(note, rep, rep, date(2026, 11, 1), Reading(*before), Reading(*after))


def test_changes_are_summed_by_rep_the_furthest_first() -> None:
    flow, diagnostic = "flow_of_events", "diagnostic"
    found = summed(
        [
            change("1", "a", (flow, 40), (flow, 40)),
            change("2", "a", (flow, 40), (diagnostic, 40)),
            change("3", "b", (diagnostic, 70), (flow, 50)),
            change("4", "b", (diagnostic, 50), (diagnostic, 56)),
        ]
    )
    assert [n.note_id for n in found.notes] == ["3", "4", "2"]
    assert [(r.rep, r.notes, r.moved, r.furthest, r.to_diagnostic, r.to_flow_of_events) for r in found.reps] == [
        ("b", 2, 2, -20, 0, 1),
        ("a", 2, 0, 0, 1, 0),
    ]
    assert (found.sampled, found.mean_points, found.mean_distance) == (4, -3.5, 6.5)
    assert (summed([]).sampled, summed([]).mean_points) == (0, 0)


def test_what_training_compare_tells_is_read_and_reported(analyzer: Analyzer, candidate: tuple[Path, Analyzer]) -> None:
    notes = read_split("dev")[:31]
    one, other = (predictions(model, notes) for model in (analyzer, candidate[1]))
    sets = [
        compare("test", notes, one, other, 20),
        compare("held-out corrections", notes[:3], one, other, 20),
        compare("none", [], {}, {}, 20),
    ]
    told = Figures.model_validate({"base": "v1", "candidate": "v2", "comparisons": [asdict(s) for s in sets]})
    made = report.Report("v1", "v2", TODAY, told, None, "<b>公司</b>")
    titles = {s.title: s for s in made.sheets()}
    assert list(titles) == ["语料测试集", "留出的更正", "留出的更正里变了的", "none"]
    assert "只有 3 条，太少" in titles["留出的更正"].remark
    assert "31 条" in titles["语料测试集"].remark
    assert {row[4] for row in titles["语料测试集"].rows} & {"变好", "变差"}
    assert all(re.search("[一-鿿]", row[0]) for row in titles["语料测试集"].rows)
    page = report.html(made, Pages().environment).decode()
    assert "<b>公司" not in page
    assert "<script" not in page
    assert load_workbook(io.BytesIO(report.xlsx(made))).sheetnames == ["概览", *titles]


def test_a_comparison_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "蒋振国"}\n')
    with pytest.raises(FiguresError, match=r"c\.jsonl:1: incomplete") as caught:
        figures.figures(TRAINED, TRAINED, [tmp_path / "c.jsonl"], 20)
    assert "蒋" not in str(caught.value)
