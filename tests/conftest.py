"""What whole-path tests share: the trained analyzer, loaded once, and the day they take for today."""

from __future__ import annotations

from datetime import date

import pytest

from models.analysis import Analysis, Note
from models.pipeline import TRAINED, Analyzer, load

TODAY = date(2026, 11, 24)
"""A Tuesday."""


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    return load(TRAINED)


@pytest.fixture(scope="session")
def analyze(analyzer: Analyzer):
    def run(text: str) -> Analysis:
        return analyzer.analyze(Note(text), TODAY)

    return run


SLOW = frozenset(["test_schema.py", "test_corpus.py", "test_durable_path.py", "test_served.py"])
"""Begun first, so that two workers (make test) end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in SLOW)
