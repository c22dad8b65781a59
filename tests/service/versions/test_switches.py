"""Which version is active after promotions and rollbacks, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from service.database import reading, writing
from service.versions import switches
from service.versions.switches import SwitchError
from service.versions.tables import ModelSwitch

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A transaction on a database whose switches belong to the test alone."""

    def clear() -> None:
        with writing(engine) as one:
            one.execute(update(ModelSwitch).values(before=None))
            one.execute(delete(ModelSwitch))

    clear()
    with writing(engine) as one:
        yield one
    clear()


@pytest.mark.parametrize(
    ("steps", "active"),
    [
        ([], [None]),
        (["a"], [None, "a"]),
        (["a", "<"], [None, "a", None]),
        (["a", "<", "<"], [None, "a", None, "!"]),
        (["<"], [None, "!"]),
        (["a", "a"], [None, "a", "!"]),
        ([None], [None, "!"]),
        (["a", "b", "c", "<", "<", "<"], [None, "a", "b", "c", "b", "a", None]),
        (["a", "b", "<", "c", "<", "<"], [None, "a", "b", "a", "c", "a", None]),
        (["a", None, "<", "<"], [None, "a", None, "a", None]),
        (["a", "b", "a", "<", "<", "<", "<"], [None, "a", "b", "a", "b", "a", None, "!"]),
    ],
)
def test_a_rollback_goes_to_the_version_before(session: Session, steps: list[str | None], active: list[str | None]) -> None:
    """`<` rolls back, a name (None: the shipped model) promotes; `!` cannot be and leaves all as it is."""
    found = [switches.active(session)]
    for number, step in enumerate(steps):
        now = NOW + timedelta(minutes=number)
        try:
            row = switches.roll_back(session, "王", now) if step == "<" else switches.promote(session, step, "王", now)
        except SwitchError:
            assert switches.active(session) == next(v for v in reversed(found) if v != "!")
            found.append("!")
        else:
            assert (row.switched, row.switched_by, row.kind) == (now, "王", "rollback" if step == "<" else "promote")
            found.append(switches.active(session))
    assert found == active


def test_history_is_the_newest_first_and_kept(session: Session, engine: Engine) -> None:
    for version in "abc":
        switches.promote(session, version, "li", NOW)
    switches.roll_back(session, "wang", NOW)
    assert [(s.kind, s.version, s.switched_by) for s in switches.history(session)] == [
        ("rollback", "b", "wang"),
        ("promote", "c", "li"),
        ("promote", "b", "li"),
        ("promote", "a", "li"),
    ]
    session.commit()
    with reading(engine) as other:  # another process
        assert switches.active(other) == "b"
