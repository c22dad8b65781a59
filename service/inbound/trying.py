"""What a sample would become, without storing anything: the way to set a mapping up."""

from __future__ import annotations

from typing import Any

from service.inbound.adapters import ADAPTERS
from service.inbound.hook import HookRequest, NotReadable
from service.inbound.mapping import MappedNote, Mapping
from service.inbound.payloads import objects_of, read_json, read_xml
from service.inbound.receiving import Verdict, mapped


def sample_payloads(kind: str, body: str) -> list[dict[str, Any]]:
    """The payloads that mappings see, from a body as the CRM sends it (of 企业微信: the decrypted message). Raises NotReadable."""
    raw = body.encode("utf-8", "replace")
    if kind == "salesforce":
        return [event.payload for event in ADAPTERS[kind].to_events(HookRequest("POST", "", (), (), raw), None)]
    if not body.lstrip().startswith("<"):
        return objects_of(read_json(raw))
    value = read_xml(raw)
    if kind == "wecom":
        value = value.get("xml")  # type: ignore[assignment]
        if not isinstance(value, dict):
            raise NotReadable("The message is not an xml element")
    return [value]


def tried(mapping: Mapping, payload: dict[str, Any], note_limit: int) -> MappedNote | Verdict:
    """The note of a payload, or why there would be none."""
    return mapped(mapping, payload, note_limit)
