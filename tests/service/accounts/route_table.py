"""Every route of the application: who may call it and with what, what is open, what is a page, what lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.labels import WEIGHTS
from service.accounts.access import ROLES

MARK = "绝密客户钱百万嫌贵"
"""Stands in everything of the tenant that is attacked."""
ALL = frozenset(ROLES)


@dataclass(frozen=True)
class Entry:
    """Who may call a route, and with what. `named`: the path or query names a thing of the tenant, so that another tenant's key gets 404.
    `shared`: it is the whole tenant's, so that another team's trainer reaches it too."""

    roles: frozenset[str]
    body: Any = None
    query: str = ""
    named: bool = False
    shared: bool = False


def roles(*names: str) -> frozenset[str]:
    return frozenset(names)


ADMIN, STAFF, WRITERS, OWNERS = (
    roles("admin"),
    roles("admin", "trainer"),
    roles("admin", "integration", "rep"),
    roles("admin", "integration"),
)
READERS = roles("admin", "trainer", "rep", "integration")
TABLE = {
    ("POST", "/v1/analyses"): Entry(ALL, {"text": "王总嫌贵"}),
    ("POST", "/v1/analyses/batch"): Entry(ALL, {"notes": [{"text": "王总嫌贵"}]}),
    ("GET", "/v1/model"): Entry(ALL),
    ("POST", "/v1/keys"): Entry(ADMIN, {"role": "draft"}),
    ("GET", "/v1/keys"): Entry(ADMIN),
    ("DELETE", "/v1/keys/{key_id}"): Entry(ADMIN, named=True),
    ("POST", "/v1/teams"): Entry(ADMIN, {"name": "新组"}),
    ("GET", "/v1/teams"): Entry(STAFF),
    ("PATCH", "/v1/teams/{team_id}"): Entry(ADMIN, {"name": "别的组"}, named=True),
    ("POST", "/v1/people"): Entry(ADMIN, {"name": "新人", "role": "rep"}),
    ("GET", "/v1/people"): Entry(STAFF),
    ("PATCH", "/v1/people/{person_id}"): Entry(ADMIN, {"name": "别名"}, named=True),
    ("POST", "/v1/notes"): Entry(WRITERS, {"text": "王总嫌贵"}),
    ("POST", "/v1/notes/batch"): Entry(WRITERS, {"notes": [{"text": "王总嫌贵"}]}),
    ("GET", "/v1/notes"): Entry(READERS),
    ("GET", "/v1/notes/{note_id}"): Entry(READERS, named=True),
    ("GET", "/v1/notes/{note_id}/analyses"): Entry(READERS, named=True),
    ("GET", "/v1/notes/{note_id}/revisions"): Entry(READERS, named=True),
    ("POST", "/v1/notes/{note_id}/analyses"): Entry(OWNERS, named=True),
    ("DELETE", "/v1/notes/{note_id}"): Entry(OWNERS, named=True),
    ("POST", "/v1/deletions"): Entry(ADMIN, {"person_id": "{person_id}"}, named=True),
    ("GET", "/v1/deletions"): Entry(ADMIN),
    ("GET", "/v1/retention"): Entry(ADMIN),
    ("PUT", "/v1/retention"): Entry(ADMIN, {"days": 1}),
    ("GET", "/v1/exports/notes"): Entry(STAFF),
    ("GET", "/v1/audits"): Entry(STAFF),
    ("GET", "/v1/notes/{note_id}/corrections"): Entry(roles("admin", "trainer", "rep"), named=True),
    ("POST", "/v1/notes/{note_id}/corrections"): Entry(STAFF, {"revision": 1, "complete": True}, named=True),
    ("POST", "/v1/notes/{note_id}/appeals"): Entry(roles("rep", "integration"), {"score": {"reason": "写了"}}, named=True),
    ("GET", "/v1/appeals"): Entry(roles("admin", "trainer", "rep")),
    ("POST", "/v1/appeals/{appeal_id}/decision"): Entry(STAFF, {"verdict": "rejected", "answer": "不行"}, named=True),
    ("GET", "/v1/exports/corrections"): Entry(STAFF),
    ("GET", "/v1/agreement"): Entry(STAFF),
    ("POST", "/v1/rubrics"): Entry(STAFF, {"weights": dict(WEIGHTS)}),
    ("GET", "/v1/rubrics"): Entry(STAFF, shared=True),
    ("POST", "/v1/rubrics/rollback"): Entry(STAFF),
    ("GET", "/v1/rubrics/{version}"): Entry(STAFF, named=True, shared=True),
    ("POST", "/v1/rubrics/{version}/trial"): Entry(STAFF, {"from": "2026-01-01"}, named=True, shared=True),
    ("POST", "/v1/rubrics/{version}/switch"): Entry(STAFF, named=True, shared=True),
    ("POST", "/v1/rubrics/{version}/apply"): Entry(STAFF, {"from": "2026-01-01"}, named=True, shared=True),
    ("POST", "/v1/integrations"): Entry(ADMIN, {"kind": "standard", "label": "CRM"}),
    ("GET", "/v1/integrations"): Entry(ADMIN),
    ("GET", "/v1/integrations/{integration_id}"): Entry(ADMIN, named=True),
    ("PATCH", "/v1/integrations/{integration_id}"): Entry(ADMIN, {"label": "别名"}, named=True),
    ("DELETE", "/v1/integrations/{integration_id}"): Entry(ADMIN, named=True),
    ("POST", "/v1/integrations/{integration_id}/secrets"): Entry(ADMIN, {"secrets": {}}, named=True),
    ("DELETE", "/v1/integrations/{integration_id}/secrets/previous"): Entry(ADMIN, named=True),
    ("POST", "/v1/integrations/{integration_id}/pause"): Entry(ADMIN, named=True),
    ("POST", "/v1/integrations/{integration_id}/resume"): Entry(ADMIN, named=True),
    ("POST", "/v1/integrations/{integration_id}/try"): Entry(ADMIN, {"payload": {}}, named=True),
    ("GET", "/v1/integrations/{integration_id}/events"): Entry(ADMIN, named=True),
    ("POST", "/v1/integrations/{integration_id}/replay"): Entry(ADMIN, {"state": "failed"}, named=True),
    ("POST", "/v1/integrations/{integration_id}/events/{event_id}/replay"): Entry(ADMIN, named=True),
    ("POST", "/v1/subscriptions"): Entry(OWNERS, {"url": "http://127.0.0.1:9/hook"}),
    ("GET", "/v1/subscriptions"): Entry(OWNERS),
    ("GET", "/v1/subscriptions/{subscription_id}"): Entry(OWNERS, named=True),
    ("PATCH", "/v1/subscriptions/{subscription_id}"): Entry(OWNERS, {"label": "别名"}, named=True),
    ("DELETE", "/v1/subscriptions/{subscription_id}"): Entry(OWNERS, named=True),
    ("POST", "/v1/subscriptions/{subscription_id}/secret"): Entry(OWNERS, {"overlap_hours": 1}, named=True),
    ("POST", "/v1/subscriptions/{subscription_id}/pause"): Entry(OWNERS, named=True),
    ("POST", "/v1/subscriptions/{subscription_id}/resume"): Entry(OWNERS, named=True),
    ("POST", "/v1/subscriptions/{subscription_id}/test"): Entry(OWNERS, named=True),
    ("POST", "/v1/subscriptions/{subscription_id}/replay"): Entry(OWNERS, {"since": "2026-01-01T00:00:00Z"}, named=True),
    ("GET", "/v1/deliveries"): Entry(OWNERS),
    ("GET", "/v1/deliveries/{delivery_id}"): Entry(OWNERS, named=True),
    ("GET", "/v1/deliveries/{delivery_id}/attempts"): Entry(OWNERS, named=True),
    ("POST", "/v1/deliveries/{delivery_id}/replay"): Entry(OWNERS, named=True),
    ("GET", "/v1/customers/{customer}/brief"): Entry(roles("admin", "trainer", "rep"), named=True),
}
HOOKS = {("GET", "/v1/hooks/{integration_id}"), ("POST", "/v1/hooks/{integration_id}")}
"""Need no key: their caller signs, as the vendor has it (tests/service/inbound)."""

OPEN = {
    ("GET", "/embed.js"),
    ("GET", "/audit/vega.js"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/login"),
    ("POST", "/login"),
}
"""Routes outside /v1/ that hold no tenant's data and need no key."""

PAGES = {
    ("GET", "/"),
    ("GET", "/my"),
    ("GET", "/customers"),
    ("GET", "/customers/{customer}"),
    ("GET", "/import"),
    ("POST", "/import"),
    ("GET", "/import/{import_id}"),
    ("POST", "/import/{import_id}"),
    ("GET", "/import/{import_id}/progress"),
    ("POST", "/import/{import_id}/cancel"),
    ("GET", "/import/{import_id}/errors.csv"),
    ("GET", "/audit"),
    ("GET", "/audit/customers"),
    ("GET", "/audit/notes"),
    ("GET", "/audit/notes/{note_id}"),
    ("GET", "/audit/agreement"),
    ("GET", "/audit/agreement/notes"),
    ("GET", "/notes/{note_id}/correct"),
    ("POST", "/notes/{note_id}/appeal"),
    ("GET", "/appeals"),
    ("POST", "/appeals/{appeal_id}"),
    ("GET", "/audit/charts/{name}.svg"),
    ("GET", "/audit/report.html"),
    ("GET", "/audit/report.xlsx"),
    ("GET", "/audit/report.pdf"),
    ("GET", "/settings/rubric"),
    ("POST", "/settings/rubric"),
    ("POST", "/settings/rubric/rollback"),
    ("GET", "/settings/rubric/{version}"),
    ("POST", "/settings/rubric/{version}/switch"),
    ("POST", "/settings/rubric/{version}/apply"),
    ("GET", "/login/again"),
    ("POST", "/logout"),
}
"""Pages: whoever is not logged in is sent to the login. What a login may see is in their own tests."""

REFUSED = {("GET", "/v1/notes/batch"), ("DELETE", "/v1/notes/batch")}
"""Answer 405 to every key."""


LISTS = (
    "/v1/notes",
    "/v1/teams",
    "/v1/people",
    "/v1/retention",
    "/v1/deletions",
    "/v1/integrations",
    "/v1/subscriptions",
    "/v1/deliveries",
    "/v1/appeals",
    "/v1/agreement",
    "/v1/rubrics",
)
