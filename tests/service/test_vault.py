"""Secrets at rest: sealed, opened, rotated, and where the key comes from."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.vault import KEY_FILE, Vault, VaultError, generate_key, open_vault


@given(st.text(max_size=300))
def test_what_is_sealed_opens_and_is_not_readable(secret: str) -> None:
    vault = Vault(generate_key())
    sealed = vault.seal(secret)
    assert vault.open(sealed) == secret
    assert len(secret) < 4 or secret not in sealed
    assert vault.seal(secret) != sealed


def test_another_key_or_a_changed_text_does_not_open() -> None:
    vault = Vault(generate_key())
    sealed = vault.seal("whsec_abc")
    for other, text in ((Vault(generate_key()), sealed), (vault, sealed[:-4] + "AAA="), (vault, ""), (vault, "钥匙")):
        with pytest.raises(VaultError) as caught:
            other.open(text)
        assert "abc" not in str(caught.value)


def test_rotation_opens_the_old_and_seals_by_the_new() -> None:
    old, new = generate_key(), generate_key()
    sealed = Vault(old).seal("secret")
    both = Vault(f"{new}, {old}")
    assert both.open(sealed) == "secret"
    assert Vault(new).open(both.reseal(sealed)) == "secret"


@pytest.mark.parametrize("key", ["short", "!" * 44, base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode(), ",", "钥"])
def test_a_malformed_key_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(VaultError) as caught:
        Vault(key)
    assert len(key) < 4 or key not in str(caught.value)


def test_both_base64_alphabets_are_the_same_key() -> None:
    raw = bytes(range(220, 252))
    sealed = Vault(base64.b64encode(raw).decode()).seal("secret")
    assert Vault(base64.urlsafe_b64encode(raw).decode()).open(sealed) == "secret"


def test_a_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/var/fupan.sqlite3"
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: open_vault(None, url), range(8)))
    sealed = vaults[0].seal("secret")
    assert {vault.open(sealed) for vault in vaults} == {"secret"}
    assert [path.name for path in (tmp_path / "var").iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((tmp_path / "var" / KEY_FILE).stat().st_mode) == 0o600


def test_a_key_file_open_to_others_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/fupan.sqlite3"
    open_vault(None, url)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(VaultError, match="chmod 600"):
        open_vault(None, url)


def test_postgresql_needs_a_set_key(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="FUPAN_SECRET_KEY"):
        open_vault(None, "postgresql+psycopg://127.0.0.1/fupan")
    assert open_vault(generate_key(), "postgresql+psycopg://127.0.0.1/fupan").seal("x")
    assert open_vault(" ", "sqlite://").seal("x")
