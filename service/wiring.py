"""The parts that settings alone make."""

from __future__ import annotations

from service.outbound.addresses import parse_allow_list
from service.outbound.connector import Connector, Timeouts, trust
from service.settings import Settings
from service.vault import Vault, open_vault
from service.versions.shelf import Shelf


def connector(settings: Settings) -> Connector:
    """The guarded connection. Raises OSError where the file of authorities cannot be read."""
    timeouts = Timeouts(settings.delivery_connect_seconds, settings.delivery_read_seconds, settings.delivery_total_seconds)
    return Connector(parse_allow_list(settings.delivery_allow), timeouts, trust(settings.delivery_ca_file))


def vault(settings: Settings) -> Vault:
    """The vault of stored secrets. Raises VaultError."""
    key = settings.secret_key
    return open_vault(key.get_secret_value() if key is not None else None, settings.database_url)


def shelf(settings: Settings) -> Shelf:
    """The models of this machine."""
    return Shelf(settings.model_path, settings.models_dir)
