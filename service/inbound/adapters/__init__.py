"""One file a kind of sender, each with Secrets, METHODS, verify, to_events and answer; `ADAPTERS` finds it by the integration's kind."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel

from service.inbound.adapters import hubspot, push, salesforce, standard, wecom
from service.inbound.hook import HookAnswer, HookRequest, RawEvent


class Adapter(Protocol):
    """What each module of this package offers. `secrets` is an instance of that module's Secrets."""

    @property
    def Secrets(self) -> type[BaseModel]: ...  # noqa: N802 - the modules' class

    @property
    def METHODS(self) -> Set[str]: ...  # noqa: N802 - the modules' constant

    def verify(self, request: HookRequest, secrets: Any, now: datetime) -> None:
        """Raises NotVerified."""

    def to_events(self, request: HookRequest, secrets: Any) -> list[RawEvent]:
        """The events of a verified request; raises NotReadable."""

    def answer(self, request: HookRequest, secrets: Any) -> HookAnswer:
        """The answer once the events are stored."""


ADAPTERS: dict[str, Adapter] = {
    "standard": standard,
    "hubspot": hubspot,
    "wecom": wecom,
    "salesforce": salesforce,
    "push": push,
}
