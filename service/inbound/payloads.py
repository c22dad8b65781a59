"""Bodies to JSON-like values: JSON and XML, with limits, from senders that may be hostile."""

from __future__ import annotations

import json
import math
import re
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from service.inbound.hook import NotReadable

MAX_XML_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 40
MAX_ELEMENTS = 100_000  # 100 Salesforce notifications of 800 fields each, and some more
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL refuses NUL, UTF-8 lone surrogates


def read_json(body: bytes) -> Any:
    """The JSON value of a UTF-8 body; characters that cannot be stored become U+FFFD. Raises NotReadable."""
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
        return _storable(value, 0)
    except (ValueError, RecursionError):
        raise NotReadable("The body is not JSON in UTF-8") from None


def _refuse(_: str) -> Any:
    raise ValueError


def _storable(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise NotReadable("The body is nested too deeply")
    if isinstance(value, str):
        return _UNSTORABLE.sub("�", value)
    if isinstance(value, float) and not math.isfinite(value):  # 1e999 is JSON, Infinity is not
        raise ValueError
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("�", key): _storable(item, depth + 1) for key, item in value.items()}
    return value


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The events of a JSON body: one object, or a list of objects. Raises NotReadable."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, dict) for item in items):
        raise NotReadable("The body is neither a JSON object nor a list of objects")
    return items


def read_xml(body: bytes) -> dict[str, Any]:
    """The XML document as dicts: local names without namespaces; an element that is there several times is a list; attributes are "@name";
    text beside attributes or elements is "#text"; xsi:nil is None. No DTD, no entities of its own, and limits on size, depth and
    elements. Raises NotReadable."""
    if len(body) > MAX_XML_BYTES:
        raise NotReadable("The XML is too large")
    parser = DefusedXMLParser(target=_Builder(), forbid_dtd=True)
    try:
        parser.feed(body)
        root: dict[str, Any] = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise NotReadable("The body is not XML, or has a DTD") from None
    return root


class _Builder:
    """The target of the XML parser: builds the dicts as elements end, so that the limits hold before memory is spent."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise NotReadable("The XML has too many elements or is nested too deeply")
        self._open.append((_local(tag), {"@" + _local(name): value for name, value in attributes.items()}, []))

    def data(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, _: str) -> None:
        name, content, parts = self._open.pop()
        parent = self._open[-1][1] if self._open else self._root
        value = _value(content, "".join(parts).strip())
        if name not in parent:
            parent[name] = value
        elif isinstance(parent[name], list):
            parent[name].append(value)
        else:
            parent[name] = [parent[name], value]

    def close(self) -> dict[str, Any]:
        return self._root


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _value(content: dict[str, Any], text: str) -> Any:
    if content.get("@nil") in {"true", "1"}:
        return None
    if not content:
        return text
    return {**content, "#text": text} if text else content
