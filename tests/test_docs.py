"""No setting, route or command without its documentation; the path names every file of models/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.pipeline import Analyzer
from service.analyzing import AnalyzerThread
from service.bootstrap import watch
from service.cli import app
from service.database import migrate, open_engine
from service.operations.metrics import Metrics
from service.routing import every_route
from service.settings import Settings
from tests.conftest import TODAY
from tests.service.conftest import make_world

ROOT = Path(__file__).resolve().parents[1]
READMES = [(ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md")]


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    for name in Settings.model_fields:
        assert f"`FUPAN_{name.upper()}`" in text


@pytest.mark.parametrize("readme", READMES)
def test_every_command_and_route_is_in_the_readmes(readme: str) -> None:
    for command in app.registered_commands:
        assert f"python -m service {command.name or command.callback.__name__}" in readme
    for route in ("/v1/analyses", "/v1/analyses/batch", "/v1/model", "/healthz", "/readyz", "/metrics", "/docs"):
        assert route in readme
    for target in ("make run", "make test"):
        assert target in readme


def test_the_operations_page_names_every_metric_and_its_alerts_no_other(analyzer: Analyzer, tmp_path: Path) -> None:
    engine, metrics = open_engine(f"sqlite:///{tmp_path / 'fupan.sqlite3'}"), Metrics(analyzer.card)
    migrate(engine)
    watch(metrics, engine)
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    made = set(re.findall(r"(?m)^# TYPE (fupan_\w+)", metrics.text(True).decode()))
    rules = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    table = set(re.findall(r"\bfupan_\w+", page.replace(rules, "")))
    assert made <= table
    assert {name.removesuffix("_bucket") for name in re.findall(r"\bfupan_\w+", rules)} <= table


def test_every_route_and_command_of_a_group_is_documented(analyzer: Analyzer) -> None:
    world = make_world(open_engine("sqlite://"), AnalyzerThread(analyzer, lambda: TODAY))
    text = "".join(path.read_text("utf-8") for path in (*ROOT.glob("docs/*.md"), *ROOT.glob("README*.md")))
    for route in every_route(world.http.app):
        if route.include_in_schema and route.path.startswith("/v1/"):
            assert all(f"{method} {route.path_format}" in text for method in route.methods), route.path
    for group in app.registered_groups:
        for command in group.typer_instance.registered_commands:
            assert f"python -m service {group.name} {command.name or command.callback.__name__}" in text


def test_the_note_path_names_every_file_of_models() -> None:
    text = (ROOT / "docs/note-path.md").read_text("utf-8")
    missing = [
        f.name for f in (ROOT / "models").glob("*.py") if f.name not in text and f.name not in ("__init__.py", "labels.py", "lexicon.py")
    ]
    assert missing == []


def test_modules_stay_small() -> None:
    long = {
        f.as_posix(): n
        for folder in ("models", "training", "service")
        for f in (ROOT / folder).rglob("*.py")
        if (n := len(f.read_text("utf-8").splitlines())) > 310
    }
    assert long == {}
