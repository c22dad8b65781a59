"""One application a module and database: its tests make tenants of their own in it."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from service.analyzing import AnalyzerThread
from tests.service.conftest import World, make_world


@pytest.fixture(scope="module")
def shared(engine: Engine, thread: AnalyzerThread) -> World:
    return make_world(engine, thread, logins_per_minute=1000)


@pytest.fixture
def world(shared: World) -> World:
    return shared
