"""One attempt at a delivery: built from what is stored now, sent, and its result noted in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import update
from sqlalchemy.orm import Session

from service.outbound import payload
from service.outbound.connector import Connector
from service.outbound.content import Content, Read
from service.outbound.filters import Selection
from service.outbound.outcome import Outcome
from service.outbound.payload import Subject
from service.outbound.robots import ROBOTS, Robot
from service.outbound.robots.card import Card, Message
from service.outbound.schedule import Dead, Decision, Disable, Done, RetryAt, decide
from service.outbound.signing import signed_headers
from service.outbound.store import valid_secrets
from service.outbound.tables import Delivery, DeliveryAttempt, Subscription
from service.vault import Vault, VaultError

TRIAL = Card("示例销售", "示例客户", 35, None, "这是一条测试消息，看到它就说明已经接通。", None)


@dataclass(frozen=True, slots=True, repr=False)
class Ready:
    """A request to send, and the robot that reads its answer, where it is one."""

    message: Message
    robot: Robot | None


class _NoteGoneError(Exception):
    """There is nothing to tell any more."""


def _robot(subscription: Subscription) -> Robot | None:
    return next((robot for kind, robot in ROBOTS.items() if kind == subscription.kind), None)


def prepare(session: Session, delivery_id: str, number: int, read: Read, vault: Vault, now: datetime) -> Ready | Outcome | None:
    """The request of an attempt; an Outcome where it cannot be made; None where there is nothing (more) to send."""
    row = session.get(Delivery, delivery_id)
    if row is None or row.state != "pending" or row.handed > number or session.get(DeliveryAttempt, (delivery_id, number)) is not None:
        return None
    subscription = session.get_one(Subscription, row.subscription_id)
    if subscription.state != "active":
        return None
    try:
        url, secrets = vault.open(subscription.url), [vault.open(s.sealed) for s in valid_secrets(session, subscription, now)]
        robot = _robot(subscription)
        if robot is not None:
            return Ready(robot.message(url, secrets[0] if secrets else None, _card(session, row, subscription, read), now), robot)
        body = _body(session, row, subscription, read)
    except VaultError:
        return Outcome(None, "secret_unreadable")
    except _NoteGoneError:
        return Outcome(None, "note_gone")
    except ValueError:
        return Outcome(None, "analysis_unreadable")
    return Ready(Message(url, signed_headers(row.id, secrets, body, now), body), None)


def _content(session: Session, row: Delivery, read: Read) -> Content:
    content = read(session, row.tenant_id, row.note_id or "", row.analysis_id or "")
    if content is None:
        raise _NoteGoneError
    return content


def _body(session: Session, row: Delivery, subscription: Subscription, read: Read) -> bytes:
    if row.event_type == "webhook.test":
        return payload.trial(subscription.id, row.created)
    if row.event_type == "note.deleted":
        return payload.deleted(Subject(row.note_id or "", row.crm_id, None, None, None, None, None), row.created)
    content = _content(session, row, read)
    text = content.text if Selection.model_validate(subscription.selection).include_text else None
    return payload.analyzed(content.subject, row.analysis_id or "", content.analysis, text, row.created)


def _card(session: Session, row: Delivery, subscription: Subscription, read: Read) -> Card:
    if row.event_type == "webhook.test":
        return TRIAL
    content = _content(session, row, read)
    asked = content.analysis.questions
    link = subscription.note_url
    if link is not None:
        link = link.replace("{note_id}", content.subject.note_id).replace("{crm_id}", _quoted(content.subject.crm_id))
    return Card(
        content.rep or "未填写销售", content.customer, content.analysis.quality.score, content.subject.visited_at,
        asked[0].text if asked else None, link,
    )  # fmt: skip


def _quoted(value: str | None) -> str:
    return "" if value is None else quote(value, safe="")


def send(connector: Connector, ready: Ready) -> Outcome:
    """Send the request; a robot's answer is read by what stands inside it."""
    outcome = connector.post(ready.message.url, ready.message.headers, ready.message.body)
    return ready.robot.outcome(outcome) if ready.robot is not None else outcome


def record(
    session: Session, delivery_id: str, number: int, at: datetime, outcome: Outcome, now: datetime, random: Callable[[], float]
) -> Decision | None:
    """Note an attempt that began at `at` and ended at `now`, and what follows; None where it was noted before or nothing follows."""
    row = session.get(Delivery, delivery_id, with_for_update=True)
    if row is None or session.get(DeliveryAttempt, (delivery_id, number)) is not None:
        return None
    if outcome.failure == "note_gone":
        if row.state == "pending":
            _finish(row, "cancelled", "note_deleted", now)
        return None
    session.add(
        DeliveryAttempt(
            delivery_id=row.id, number=number, tenant_id=row.tenant_id, subscription_id=row.subscription_id, at=at, status=outcome.status,
            failure=outcome.failure, code=outcome.code, milliseconds=round(outcome.seconds * 1000),
        )
    )  # fmt: skip
    decision = decide(outcome, row.attempts + 1, now, random)
    # Handed over anew since, or taken up again (resumed, replayed): what an attempt of before met, a 410 above all, no longer counts.
    superseded = (row.handed > number or (row.handed == number and row.handed_at is None)) and not isinstance(decision, Done)
    row.handed = max(row.handed, number)
    if row.state != "pending" or superseded:
        return None
    row.attempts, row.handed_at = row.attempts + 1, None
    if row.event_type == "webhook.test" and isinstance(decision, RetryAt):
        decision = Dead("attempts_used_up")  # who tests wants to know now
    _follow(session, row, decision, now)
    return decision


def _follow(session: Session, row: Delivery, decision: Decision, now: datetime) -> None:
    match decision:
        case Done():
            _finish(row, "delivered", None, now)
        case RetryAt(at):
            row.next_at = at
        case Dead(reason):
            _finish(row, "dead", reason, now)
        case Disable(reason):
            _finish(row, "dead", reason, now)
            of_it = (Subscription.id == row.subscription_id, Subscription.state != "disabled")
            session.execute(update(Subscription).where(*of_it).values(state="disabled", reason=reason, since=now))
            waiting = (Delivery.subscription_id == row.subscription_id, Delivery.state == "pending")
            ended = {"state": "dead", "reason": "subscription_disabled", "next_at": None, "handed_at": None, "finished": now}
            session.flush()
            session.execute(update(Delivery).where(*waiting).values(**ended))


def _finish(row: Delivery, state: str, reason: str | None, now: datetime) -> None:
    row.state, row.reason, row.next_at, row.handed_at, row.finished = state, reason, None, None, now
    if state != "dead":  # a dead one may be replayed
        row.crm_id = None
