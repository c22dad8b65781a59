"""Salesforce outbound messages: a message as its documents show it, and what must be refused before and after parsing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from pydantic import ValidationError

from service.inbound.adapters import salesforce
from service.inbound.hook import HookRequest, NotReadable, Reason
from service.inbound.payloads import MAX_DEPTH, MAX_ELEMENTS, MAX_XML_BYTES, read_xml
from tests.service.inbound.senders import at, refused, request

TOKEN = "t" * 31 + "!"
NOTIFICATION = """<Notification><Id>04l{number:012d}AAA</Id>
 <sObject xsi:type="sf:Event" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
  <sf:Id>00U000000000001AAA</sf:Id><sf:AccountId>001000000000001AAA</sf:AccountId><sf:OwnerId>005000000000001AAA</sf:OwnerId>
  <sf:Description>王总说太贵 &amp; 要等预算</sf:Description><sf:ActivityDateTime>2026-11-24T06:30:00.000Z</sf:ActivityDateTime>
 </sObject></Notification>"""


def message(count: int = 1, organization: str = "00Dd0000000dtDqEAI") -> bytes:
    notifications = "".join(NOTIFICATION.format(number=number) for number in range(count))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>{organization}</OrganizationId><ActionId>04kd0000000PCgvAAG</ActionId><SessionId>00Dd!secret</SessionId>
  <EnterpriseUrl>https://na.example/c</EnterpriseUrl><PartnerUrl>https://na.example/u</PartnerUrl>{notifications}
 </notifications></soapenv:Body></soapenv:Envelope>""".encode()


URL = f"https://fupan.example/v1/hooks/in_1?token={'t' * 31}%21"
SENT = request(message(), url=URL)
SECRETS = salesforce.Secrets(organization_id="00Dd0000000dtDq", tokens=("n" * 32, TOKEN))
CERTIFIED = salesforce.Secrets(
    organization_id="00Dd0000000dtDqEAI", tokens=(TOKEN,), certificate_header="X-Client-Sha256", certificate_sha256="AB:" * 31 + "CD"
)


def test_a_message_becomes_events_without_its_session_and_is_answered_by_an_ack() -> None:
    salesforce.verify(SENT, SECRETS, at(0))
    [event] = salesforce.to_events(SENT, SECRETS)
    assert event.id == "04l000000000000AAA"
    assert event.payload["sObject"]["Description"] == "王总说太贵 & 要等预算"
    assert event.payload["sObject"]["@type"] == "sf:Event"
    assert "secret" not in str(event.payload)
    answer = salesforce.answer(SENT, SECRETS)
    ack = ElementTree.fromstring(answer.body).find(".//{http://soap.sforce.com/2005/09/outbound}notificationsResponse/*")
    assert ack is not None
    assert (answer.status, answer.media_type, ack.tag, ack.text) == (
        200,
        "text/xml",
        "{http://soap.sforce.com/2005/09/outbound}Ack",
        "true",
    )


def test_a_hundred_notifications_are_the_most() -> None:
    assert len({event.id for event in salesforce.to_events(replace(SENT, body=message(100)), SECRETS)}) == 100
    for count in (0, 101):
        with pytest.raises(NotReadable):
            salesforce.to_events(replace(SENT, body=message(count)), SECRETS)
    with pytest.raises(NotReadable):
        salesforce.to_events(replace(SENT, body=message().replace(b"<Id>04l000000000000AAA</Id>", b"")), SECRETS)


def test_a_certificates_fingerprint() -> None:
    sent = replace(SENT, headers=(("x-client-sha256", "ab" * 31 + "cd"),))
    salesforce.verify(sent, CERTIFIED, at(0))
    refused(lambda: salesforce.verify(SENT, CERTIFIED, at(0)), Reason.MISSING)
    refused(lambda: salesforce.verify(replace(SENT, headers=(("x-client-sha256", "ab" * 32),)), CERTIFIED, at(0)), Reason.MISMATCH)
    refused(lambda: salesforce.verify(replace(sent, headers=sent.headers * 2), CERTIFIED, at(0)), Reason.REPEATED)


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "xx"><!ENTITY b "&a;&a;">]><a>&b;</a>'
EXTERNAL = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]><a>&a;</a>'


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda: replace(SENT, query=()), Reason.MISSING, id="no token"),
        pytest.param(lambda: replace(SENT, query=(("token", TOKEN[:-1]),)), Reason.MISMATCH, id="token cut"),
        pytest.param(lambda: replace(SENT, query=(("token", "票\ud800"),)), Reason.MISMATCH, id="token not ASCII"),
        pytest.param(lambda: replace(SENT, query=SENT.query * 2), Reason.REPEATED, id="token twice"),
        pytest.param(lambda: replace(SENT, query=(("token", "x"),), body=BOMB), Reason.MISMATCH, id="the token is checked before parsing"),
        pytest.param(lambda: replace(SENT, body=message(organization="00Dd0000000dtDR")), Reason.WRONG_RECEIVER, id="other organization"),
        pytest.param(lambda: replace(SENT, body=message(organization="00dd0000000dtdq")), Reason.WRONG_RECEIVER, id="case counts"),
        pytest.param(lambda: replace(SENT, body=message(organization="00Dd")), Reason.MISSING, id="no organization id"),
        pytest.param(lambda: replace(SENT, body=BOMB), Reason.MALFORMED, id="entities"),
        pytest.param(lambda: replace(SENT, body=EXTERNAL), Reason.MALFORMED, id="external entity"),
        pytest.param(lambda: replace(SENT, body=message()[:-20]), Reason.MALFORMED, id="truncated"),
        pytest.param(lambda: replace(SENT, body=message().replace("王".encode(), b"\xff")), Reason.MALFORMED, id="not UTF-8"),
        pytest.param(lambda: replace(SENT, body=b'<?xml version="1.0" encoding="x-none"?><a/>'), Reason.MALFORMED, id="unknown encoding"),
        pytest.param(lambda: replace(SENT, body=b""), Reason.MALFORMED, id="empty"),
        pytest.param(lambda: replace(SENT, body=b"<Envelope><Body/></Envelope>"), Reason.MALFORMED, id="no notifications"),
    ],
)
def test_refused(make: Callable[[], HookRequest], reason: Reason) -> None:
    refused(lambda: salesforce.verify(make(), SECRETS, at(0)), reason)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1), id="deep"),
        pytest.param(b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", id="many elements"),
        pytest.param(b"<a>" + b"x" * MAX_XML_BYTES + b"</a>", id="large"),
        pytest.param(b"<a>", id="open"),
        pytest.param(b"<a></b>", id="crossed"),
        pytest.param(b"<a/><b/>", id="two roots"),
    ],
)
def test_xml_beyond_the_limits(body: bytes) -> None:
    with pytest.raises(NotReadable):
        read_xml(body)


def test_xml_as_dicts() -> None:
    xml = b'<r xmlns:x="u" xmlns:i="i"><x:a>1</x:a><a> 2 </a><b k="v">t</b><c i:nil="true"/><d/><e><![CDATA[<p>]]></e></r>'
    assert read_xml(xml) == {"r": {"a": ["1", "2"], "b": {"@k": "v", "#text": "t"}, "c": None, "d": "", "e": "<p>"}}


@pytest.mark.parametrize(
    "secrets",
    [
        {"organization_id": "00Dd0000000dtDq", "tokens": ["short-token"]},
        {"organization_id": "00Dd0000000dtDq", "tokens": []},
        {"organization_id": "001d0000000dtDq", "tokens": [TOKEN]},
        {"organization_id": "00Dd0000000dtDq", "tokens": [TOKEN], "certificate_header": "x"},
        {"organization_id": "00Dd0000000dtDq", "tokens": [TOKEN], "certificate_header": "x", "certificate_sha256": "ab"},
    ],
)
def test_secrets_that_are_none(secrets: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        salesforce.Secrets.model_validate(secrets)
    assert "short-token" not in str(caught.value)
