"""What a backup takes beside the tables, and what a restore sets going again."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from service.cli import app
from service.console import utc_now
from service.database import migrate, open_engine, reading, writing
from service.inbound.tables import InboundEvent
from service.outbound.tables import Delivery
from service.vault import KEY_FILE, Vault, generate_key
from tests.service.conftest import Tenancy, make_world
from tests.service.inbound.sending import sender


def command(*words: str, **settings: str) -> str:
    """Run a command that succeeds; what it says."""
    result = CliRunner().invoke(app, list(words), env=settings)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("other", [False, True])
def test_the_key_file_comes_back(tmp_path: Path, other: bool) -> None:
    here, there, path = (tmp_path / name for name in ("here", "there", "b.gz"))
    urls = [f"sqlite:///{folder / 'fupan.sqlite3'}" for folder in (here, there)]
    for folder, url in zip((here, there), urls, strict=True):
        folder.mkdir()
        migrate(open_engine(url))
    key, old = generate_key(), generate_key()
    (here / KEY_FILE).write_text(key)
    (here / KEY_FILE).chmod(0o600)
    if other:
        (there / KEY_FILE).write_text(old)
        (there / KEY_FILE).chmod(0o600)
    command("backup", str(path), FUPAN_DATABASE_URL=urls[0])
    command("restore", str(path), "--force", FUPAN_DATABASE_URL=urls[1])
    assert (there / KEY_FILE).read_text().strip() == key
    assert stat.S_IMODE((there / KEY_FILE).stat().st_mode) == 0o600
    kept = there / f"{KEY_FILE}.before-restore"
    assert (kept.read_text() == old) if other else not kept.exists()


def test_a_key_goes_to_the_operator_where_one_is_set(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path / 'fupan.sqlite3'}", tmp_path / "b.gz"
    migrate(open_engine(url))
    key, own = generate_key(), generate_key()
    (tmp_path / KEY_FILE).write_text(key)
    (tmp_path / KEY_FILE).chmod(0o600)
    command("backup", str(path), FUPAN_DATABASE_URL=url)
    said = command("restore", str(path), "--force", FUPAN_DATABASE_URL=url, FUPAN_SECRET_KEY=own)
    assert "b.gz.key" in said.replace("\n", "")
    assert key not in said
    assert (tmp_path / "b.gz.key").read_text().strip() == key
    assert Vault(f"{own},{key}").open(Vault(key).seal("x")) == "x"
    command("backup", str(path), "--force", FUPAN_DATABASE_URL=url, FUPAN_SECRET_KEY=own)
    (tmp_path / "b.gz.key").unlink()
    command("restore", str(path), "--force", FUPAN_DATABASE_URL=url, FUPAN_SECRET_KEY=own)
    assert not (tmp_path / "b.gz.key").exists(), "a key the operator keeps is not in a backup"


def test_what_was_under_way_is_handed_over_again(tmp_path: Path, thread, empty_database: str) -> None:
    source = f"sqlite:///{tmp_path / 'source.sqlite3'}"
    engine = open_engine(source)
    migrate(engine)
    world = make_world(engine, thread, delivery_allow="127.0.0.1:9")
    world.inbound.intake.start()
    tenancy: Tenancy = world.tenant()
    assert tenancy.call("POST", "/v1/subscriptions", json={"url": "http://127.0.0.1:9/hook"}).status_code == 201
    tenancy.store()
    crm = sender(tenancy)
    assert crm.post("e1").status_code == 202
    world.inbound.intake.stop()
    assert (world.inbound.step(), world.deliveries.step()) == (1, 1)
    assert (world.inbound.step(), world.deliveries.step()) == (0, 0), "both are under way"
    engine.dispose()
    command("backup", str(tmp_path / "b.gz"), FUPAN_DATABASE_URL=source)
    command("restore", str(tmp_path / "b.gz"), FUPAN_DATABASE_URL=empty_database, FUPAN_SECRET_KEY=generate_key())
    restored = open_engine(empty_database)
    with reading(restored) as session:
        event, delivery = session.scalars(select(InboundEvent)).one(), session.scalars(select(Delivery)).one()
        assert (event.state, delivery.state, delivery.handed_at) == ("received", "pending", None)
        assert event.next_at is not None
        assert event.next_at <= utc_now() + timedelta(seconds=1)
    with writing(restored) as session:  # foreign keys hold after the restore
        session.delete(session.scalars(select(Delivery)).one())
    restored.dispose()
