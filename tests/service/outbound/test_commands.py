"""`python -m service subscriptions | deliveries` on a database of their own."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner, Result

from service.accounts.store import create_tenant
from service.cli import app
from service.database import migrate, open_engine, reading, writing
from service.outbound import outbox
from service.outbound.tables import Delivery, Subscription

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path, monkeypatch: pytest.MonkeyPatch):
    url = f"sqlite:///{tmp_path / 'fupan.sqlite3'}"
    monkeypatch.setenv("FUPAN_DATABASE_URL", url)
    monkeypatch.setenv("FUPAN_DELIVERY_ALLOW", "127.0.0.1:9")
    made = open_engine(url)
    migrate(made)
    with writing(made) as session:
        create_tenant(session, "公司", NOW)
    yield made
    made.dispose()


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [*arguments, "--tenant", "公司"])
    assert result.exit_code == code, result.output
    return result


def test_a_subscription_is_made_and_listed(engine) -> None:
    made = run("subscriptions", "create", "http://127.0.0.1:9/", "--label", "CRM", "--filters", '{"score_below": 40}').stdout.split()
    assert re.fullmatch("sb_[0-9a-f]{32}", made[0])
    assert made[1].startswith("whsec_")
    with reading(engine) as session:
        assert session.get(Subscription, made[0]).selection["filters"]["score_below"] == 40
    listed = run("subscriptions", "list").stdout
    assert made[0] in listed
    assert "CRM" in listed
    assert made[1] not in listed


@pytest.mark.parametrize(
    ("arguments", "named", "code"),
    [
        (["https://10.0.0.1/secretpath"], "url", 1),
        (["http://127.0.0.1:9/", "--kind", "slack"], "kind", 2),
        (["http://127.0.0.1:9/", "--filters", '{"score_below": 900}'], "score_below", 2),
        (["http://127.0.0.1:9/", "--filters", "{"], "", 2),
        (["http://127.0.0.1:9/", "--secret", "mine"], "secret", 1),
    ],
)
def test_what_cannot_be_is_said(engine, arguments: list[str], named: str, code: int) -> None:
    said = run("subscriptions", "create", *arguments, code=code).output
    assert named in said
    assert "secretpath" not in said


def test_dead_letters_are_listed_and_replayed(engine) -> None:
    subscription_id = run("subscriptions", "create", "http://127.0.0.1:9/").stdout.split()[0]
    with writing(engine) as session:
        subscription = session.get_one(Subscription, subscription_id)
        ids = [outbox.add(session, subscription, "webhook.test", NOW).id for _ in range(3)]
        session.flush()
        for i in ids[:2]:
            row = session.get_one(Delivery, i)
            row.state, row.reason, row.finished, row.next_at = "dead", "attempts_used_up", NOW, None
    dead = run("deliveries", "dead").stdout
    assert [i in dead for i in ids] == [True, True, False]
    assert ids[2] in run("deliveries", "list", "--state", "pending").stdout
    assert "1 to be sent again" in run("deliveries", "replay", ids[0]).stdout
    run("deliveries", "replay", ids[0], code=1)
    assert "0 to be" in run("deliveries", "replay", "--subscription", subscription_id, "--since", "2026-11-24T09:00:01").stdout
    assert "1 to be" in run("deliveries", "replay", "--subscription", subscription_id, "--since", "2026-11-24T09:00:00").stdout
    assert ids[1] not in run("deliveries", "dead").stdout
    for wrong in ([], [ids[1], "--subscription", subscription_id], ["--subscription", subscription_id]):
        run("deliveries", "replay", *wrong, code=2)
    run("deliveries", "replay", "dl_" + "0" * 32, code=1)
    with writing(engine) as session:
        session.get_one(Subscription, subscription_id).state = "disabled"
    run("deliveries", "replay", ids[2], code=1)
