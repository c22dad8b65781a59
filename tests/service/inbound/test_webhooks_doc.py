"""The settings written in docs/webhooks.md are settings that work, and every kind and mapping is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from service.inbound.adapters import ADAPTERS
from service.inbound.hook import Reason
from service.inbound.mapping import Rule, default_mapping, default_names

TEXT = (Path(__file__).resolve().parents[3] / "docs/webhooks.md").read_text("utf-8")


def test_every_kind_has_a_worked_example_whose_settings_are_valid() -> None:
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
    assert {example["kind"] for example in examples} == set(ADAPTERS)
    for example in examples:
        ADAPTERS[example["kind"]].Secrets.model_validate(example["secrets"])
        default_mapping(example["mapping"])


def test_every_mapping_rule_field_and_reason_is_named() -> None:
    for name in (*default_names(), *Rule.model_fields, *Reason):
        assert f"`{name}`" in TEXT or f'"{name}"' in TEXT, name
