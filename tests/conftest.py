"""What whole-path tests share: the trained analyzer, loaded once, and the day they take for today."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import settings

from models.analysis import Analysis, Note
from models.pipeline import TRAINED, Analyzer, load

TODAY = date(2026, 11, 24)
"""A Tuesday."""
settings.register_profile("shared machine", deadline=None)  # how long an example takes says nothing where other workers compute
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    return load(TRAINED)


@pytest.fixture(scope="session")
def analyze(analyzer: Analyzer):
    def run(text: str) -> Analysis:
        return analyzer.analyze(Note(text), TODAY)

    return run


SLOW = (
    "test_schema.py",
    "test_durable_path.py",
    "test_audit_page.py",
    "test_quick.py",
    "test_processes.py",
    "test_page.py",
    "test_embed.py",
    "test_served.py",
    "test_in_browser.py",
    "test_import_page.py",
    "test_rubric_page.py",
    "test_corpus.py",
    "test_following.py",
    "test_page_overlay.py",
    "test_durable.py",
)
"""Begun first, the slowest first of all, so that the workers of `make test` end at about the same time (it tells xdist to keep this order)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: i for i, name in enumerate(SLOW)}
    items.sort(key=lambda item: place.get(item.path.name, len(SLOW)))
