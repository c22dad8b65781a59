"""Secrets made and replaced: of each kind the field that holds a list of them, and how a new one is made where the vendor lets us choose."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

from service.outbound.signing import generate_secret

RandomBytes = Callable[[int], bytes]
LETTERS = string.ascii_letters + string.digits


def _letters(random_bytes: RandomBytes, count: int) -> str:
    """Letters and digits, each as likely as the other."""
    out = ""
    while len(out) < count:
        out += "".join(LETTERS[b % 62] for b in random_bytes(count) if b < 248)
    return out[:count]


def _wecom(random_bytes: RandomBytes) -> dict[str, str]:
    return {"token": _letters(random_bytes, 32), "encoding_aes_key": _letters(random_bytes, 43)}


def _token(random_bytes: RandomBytes) -> str:
    return _letters(random_bytes, 43)


LISTS: dict[str, tuple[str, Callable[[RandomBytes], Any] | None]] = {
    "standard": ("secrets", generate_secret),
    "hubspot": ("client_secrets", None),  # HubSpot makes it
    "wecom": ("keys", _wecom),
    "salesforce": ("tokens", _token),
    "push": ("secrets", _token),
}


def with_generated(kind: str, given: dict[str, Any], random_bytes: RandomBytes) -> tuple[dict[str, Any], bool]:
    """The secrets given, with one of ours where none is and the kind lets us make it; and whether one was made."""
    name, make = LISTS[kind]
    if given.get(name) or make is None:
        return given, False
    return {**given, name: [make(random_bytes)]}, True


def rotated(kind: str, old: dict[str, Any], given: dict[str, Any], random_bytes: RandomBytes) -> tuple[dict[str, Any], bool]:
    """The old secrets with what is given in their place, and whether one was made. New ones stand first, the one before stays valid beside them;
    with nothing given, one is made."""
    name, _ = LISTS[kind]
    new, made = with_generated(kind, given, random_bytes) if not given else (given, False)
    fresh = new.get(name)
    if not isinstance(fresh, (list, tuple)):
        return {**old, **new}, made
    return {**old, **new, name: [*fresh, *(s for s in old[name][:1] if s not in fresh)]}, made


def without_previous(kind: str, old: dict[str, Any]) -> dict[str, Any]:
    """The secrets with the newest alone."""
    name, _ = LISTS[kind]
    return {**old, name: old[name][:1]}
