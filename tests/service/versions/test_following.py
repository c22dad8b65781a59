"""Another version is taken without a restart, between two notes; one that cannot be served leaves the old one in use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from models.analysis import Note
from models.pipeline import TRAINED, Analyzer
from service.analyzing import AnalyzerThread
from service.cli import app
from service.database import ServedModel, migrate, open_engine, reading, writing
from service.versions import switches
from service.versions.following import Follower, choose
from service.versions.shelf import Shelf
from tests.conftest import TODAY
from tests.service.conftest import Clock, make_world
from tests.service.serving import Serving, wait_for
from tests.service.versions.shelving import make_model

TEXT = "到城东见了老板，报价12.8万，他说再看看，资料放前台"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database of the test's own: the active version is for all who use one."""
    opened = open_engine(f"sqlite:///{tmp_path / 'own.sqlite3'}")
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def thread(analyzer: Analyzer) -> Iterator[AnalyzerThread]:
    made = AnalyzerThread(analyzer, lambda: TODAY)
    yield made
    made.close()


def promote(engine: Engine, version: str | None) -> None:
    with writing(engine) as session:
        switches.promote(session, version, "test", Clock()())


def test_a_promoted_version_is_served_and_its_refusal_leaves_the_old_one(
    tmp_path: Path, engine: Engine, thread: AnalyzerThread, analyzer: Analyzer
) -> None:
    shelf, world, shipped = Shelf(TRAINED, tmp_path / "models"), make_world(engine, thread), analyzer.card.version
    told: list[str] = []
    follower = Follower(engine, shelf, thread, None, Clock(), told=lambda card: told.append(card.version))
    assert follower.step() == 0

    promote(engine, "v2")
    assert follower.step() == 0
    assert (follower.refused, thread.card.version) == ("v2", shipped)  # its files are not here

    folder = make_model(tmp_path / "models" / "v2", "v2", kinder=4.0)
    kept = (folder / "card.json").read_bytes()
    (folder / "card.json").write_bytes(kept + b" ")
    assert follower.step() == 0
    assert (follower.refused, thread.card.version) == ("v2", shipped)  # here, and not as they were trained
    (folder / "card.json").write_bytes(kept)
    before = thread.submit(thread.analyze, Note(TEXT)).result()
    assert follower.step() == 1
    after = thread.submit(thread.analyze, Note(TEXT)).result()
    assert (before.model.version, after.model.version) == (shipped, "v2")
    assert after.quality.score > before.quality.score
    assert (told, follower.refused, follower.step()) == (["v2"], None, 0)

    assert world.http.get("/v1/model").json()["version"] == "v2"
    assert world.http.get("/openapi.json").json()["info"]["version"] == "v2"
    assert world.http.get("/readyz").json() == {"status": "ready", "model": "v2"}
    with reading(engine) as session:
        assert "v2" in session.scalars(select(ServedModel.version)).all()

    tenancy = world.tenant()  # what the old version said is kept beside what the new one says
    note = tenancy.store(TEXT)
    assert note["analysis"]["model_version"] == "v2"
    with writing(engine) as session:
        switches.roll_back(session, "test", Clock()())
    assert follower.step() == 1
    world.clock.step(seconds=1)
    assert tenancy.call("POST", f"/v1/notes/{note['id']}/analyses").status_code == 201
    analyses = tenancy.call("GET", f"/v1/notes/{note['id']}/analyses").json()["analyses"]
    assert [a["model_version"] for a in analyses] == [shipped, "v2"]


def test_a_refused_version_is_tried_again_only_when_its_files_change(
    tmp_path: Path, engine: Engine, thread: AnalyzerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(TRAINED, tmp_path / "models")
    tries: list[str | None] = []
    monkeypatch.setattr(Shelf, "card", lambda self, version: tries.append(version) or self._shelved)  # whatever it says, load raises
    monkeypatch.setattr("service.versions.shelf.load", lambda _: (_ for _ in ()).throw(ValueError("王总")))
    follower = Follower(engine, shelf, thread, None, Clock())
    promote(engine, "v2")
    for _ in range(3):
        follower.step()
    assert tries == ["v2"]
    (tmp_path / "models" / "v2").mkdir(parents=True)
    (tmp_path / "models" / "v2" / "card.json").write_text("{}")
    follower.step()
    assert tries == ["v2", "v2"]
    assert follower.refused == "v2"
    with writing(engine) as session:
        switches.roll_back(session, "test", Clock()())
    assert (follower.step(), follower.refused) == (0, None)


def test_a_start_takes_the_active_version_and_else_the_shipped_one(tmp_path: Path, engine: Engine, capsys) -> None:
    shelf = Shelf(TRAINED, tmp_path / "models")
    promote(engine, "v2")
    chosen = choose(engine, shelf)
    assert (chosen.version, chosen.analyzer.card.version) == (None, shelf.card(None).version)
    assert "refused" in capsys.readouterr().out
    make_model(tmp_path / "models" / "v2", "v2")
    chosen = choose(engine, shelf)
    assert (chosen.version, chosen.analyzer.card.version) == ("v2", "v2")


def test_every_process_of_a_running_server_follows(run: Callable[..., Serving], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models"
    server = run(arguments=("serve", "--workers", "2"), FUPAN_MODELS_DIR=str(folder))
    make_model(folder / "v2", "v2")
    monkeypatch.setenv("FUPAN_DATABASE_URL", f"sqlite:///{server.database}")
    monkeypatch.setenv("FUPAN_MODELS_DIR", str(folder))

    def said(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["models", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert "Active: v2" in said("promote", "v2", "--by", "王主管")
    wait_for(lambda: server.log.count('"model switched"') == 3, 180)  # two that answer, one that works
    assert {server.get("/readyz").json()["model"] for _ in range(8)} == {"v2"}
    assert 'fupan_model_info{corpus="' in server.get("/metrics").text
    assert re.search(r'fupan_model_info\{.*version="v2"', server.get("/metrics").text)
    assert "fupan_model_refused 0.0" in server.get("/metrics").text
    assert "王主管" in said("list")
