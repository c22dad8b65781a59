"""Integrations of each kind, and their CRMs' requests signed as the vendors do it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
from standardwebhooks.webhooks import Webhook

from service.database import reading
from service.inbound.tables import InboundEvent
from tests.service.conftest import Tenancy
from tests.service.inbound.senders import hmac_base64, wecom_encrypt, wecom_signature

SECRETS: dict[str, dict[str, Any]] = {
    "standard": {},
    "hubspot": {"client_secrets": ["a-client-secret-of-hubspot"], "target_url": "https://fupan.example/hook"},
    "wecom": {"receive_ids": ["ww1"]},
    "salesforce": {"organization_id": "00Dd0000000dtDqEAI"},
    "push": {"timestamp_header": "X-Timestamp", "signed": "{timestamp}.{body}", "event_id_path": "event"},
}
TEXT = "王总嫌贵，要等预算，下周三再去"


@dataclass
class Sender:
    """A CRM's side of one integration."""

    tenancy: Tenancy
    kind: str
    secrets: dict[str, Any]
    id: str
    sent: list[httpx.Response] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.tenancy.world.clock()

    def request(self, event: str, text: str = TEXT, crm_id: str = "v1", **extra: Any) -> dict[str, Any]:
        """Keyword arguments of a request that brings one note."""
        stamp = str(int(self.now.timestamp()))
        path = f"/v1/hooks/{self.id}"
        match self.kind:
            case "standard":
                body = json.dumps(
                    {
                        "type": "note.created",
                        "timestamp": self.now.isoformat(),
                        "data": {"id": crm_id, "text": text, "rep_id": "crm-1", **extra},
                    }
                )
                signature = Webhook(self.secrets["secrets"][0]).sign(event, self.now, body)
                return {
                    "url": path,
                    "content": body,
                    "headers": {"webhook-id": event, "webhook-timestamp": stamp, "webhook-signature": signature},
                }
            case "hubspot":
                millis = str(int(self.now.timestamp() * 1000))
                item = {"eventId": event, "subscriptionId": 2, "portalId": 3, "objectId": crm_id, "occurredAt": int(millis), "sourceId": "crm-1",
                        "subscriptionType": "object.propertyChange", "propertyName": "hs_note_body", "propertyValue": f"<p>{text}</p>"}  # fmt: skip
                content = json.dumps([item | extra])
                signature = hmac_base64(
                    self.secrets["client_secrets"][0].encode(), f"POST{self.secrets['target_url']}{content}{millis}".encode()
                )
                return {
                    "url": path,
                    "content": content,
                    "headers": {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": millis},
                }
            case "wecom":
                key = self.secrets["keys"][0]
                message = f"<xml><FromUserName>crm-1</FromUserName><CreateTime>{stamp}</CreateTime><MsgType>text</MsgType><Content>{text}</Content><MsgId>{event}</MsgId></xml>"
                encrypted = wecom_encrypt(message.encode(), key["encoding_aes_key"], "ww1")
                signature = wecom_signature(key["token"], stamp, "n", encrypted)
                return {
                    "url": f"{path}?msg_signature={signature}&timestamp={stamp}&nonce=n",
                    "content": f"<xml><Encrypt>{encrypted}</Encrypt></xml>",
                }
            case "salesforce":
                return {"url": f"{path}?token={self.secrets['tokens'][0]}", "content": outbound_message([(event, crm_id, text)])}
            case "push":
                body = json.dumps({"event": event, "id": crm_id, "text": text, "rep_id": "crm-1", **extra})
                signature = hmac.new(self.secrets["secrets"][0].encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
                return {"url": path, "content": body, "headers": {"X-Timestamp": stamp, "X-Signature": signature}}
        raise AssertionError(self.kind)

    def echo(self, text: str) -> str:
        """The address by which 企业微信 proves a hook."""
        key, stamp = self.secrets["keys"][0], str(int(self.now.timestamp()))
        encrypted = wecom_encrypt(text.encode(), key["encoding_aes_key"], "ww1")
        signature = wecom_signature(key["token"], stamp, "n", encrypted)
        return f"/v1/hooks/{self.id}?msg_signature={signature}&timestamp={stamp}&nonce=n&echostr={quote(encrypted, safe='')}"

    def post(self, event: str, text: str = TEXT, crm_id: str = "v1", **extra: Any) -> httpx.Response:
        """Send a note; what was answered."""
        return self.tenancy.world.http.request("POST", **self.request(event, text, crm_id, **extra))

    def events(self, **query: str) -> list[dict[str, Any]]:
        return self.tenancy.call("GET", f"/v1/integrations/{self.id}/events", params=query).json()["events"]

    def states(self) -> list[str]:
        return sorted(e["state"] for e in self.events(limit="200"))


def outbound_message(notes: list[tuple[str, str, str]]) -> str:
    """A Salesforce outbound message of notification id, object id and text of each."""
    items = "".join(
        f"<Notification><Id>{i}</Id><sObject><Id>{crm_id}</Id><OwnerId>crm-1</OwnerId><AccountId>acc-1</AccountId><Description>{text}</Description></sObject></Notification>"
        for i, crm_id, text in notes
    )
    return (
        '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>00Dd0000000dtDqEAI</OrganizationId><ActionId>04k1</ActionId>{items}</notifications></Body></Envelope>"
    )


def sender(tenancy: Tenancy, kind: str = "standard", **fields: Any) -> Sender:
    """A new integration of this kind, with its CRM's side."""
    asked = {"kind": kind, "label": "CRM", "secrets": SECRETS[kind], **fields}
    answer = tenancy.call("POST", "/v1/integrations", json=asked)
    assert answer.status_code == 201, answer.text
    return Sender(tenancy, kind, answer.json()["secrets"] or asked["secrets"], answer.json()["id"])


def work_off(tenancy: Tenancy) -> int:
    """Step the sweep and run what it hands over, until nothing is due; how many workflows of this tenant ran."""
    world, ran = tenancy.world, 0
    while world.inbound.step():
        handed, world.handed[:] = list(world.handed), []
        world.inbound.receive_together(handed)
        for handover in handed:
            with reading(world.engine) as session:
                row = session.get(InboundEvent, handover.id)
                ran += row is not None and row.tenant_id == tenancy.id
    return ran
