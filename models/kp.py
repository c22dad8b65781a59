"""kp_status from the people found: whether the rep met the first KP, somebody else, nobody, or it cannot be told."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import DecisionRole, KpStatus
from models.people import FoundPerson

_NOT_REACHED = re.compile(
    "没人|不在|没接|未接|没见|锁门|关门|没开门|白跑|扑空|不让进|没让进|空号|停机|占线|拒接|挂了|没回|不回|打不通|没打通|关机|无人接听"
)
_CONTACT = re.compile(
    "说|讲|问|聊|谈|嫌|要求|回复|答应|电话里|同意|(?:客户|对方)[^,。;不没未]{0,2}(?:要|想|让|觉得|表示|答|回)|他|她|微信|签|下单|定了"
)


def kp_status(people: Sequence[FoundPerson], text: str) -> KpStatus:
    """labels.md, boundary cases; with no person named, a note that tells of a closed door and of no answer is met_nobody, any other unclear."""
    if people:
        return status_of([(p.role, p.met) for p in people])
    return "met_nobody" if _NOT_REACHED.search(text) and not _CONTACT.search(_NOT_REACHED.sub("", text)) else "unclear"


def status_of(parts: Sequence[tuple[DecisionRole, bool]]) -> KpStatus:
    """labels.md, boundary cases, from (role, met) of every person: a first KP met; else an influencer met, or an unknown met beside a named decider;
    else an unknown met; else nobody."""
    met = {role for role, reached in parts if reached}
    if "first_kp" in met:
        return "met_first_kp"
    if "influencer" in met or ("unknown" in met and any(role == "first_kp" for role, _ in parts)):
        return "met_other_only"
    return "unclear" if "unknown" in met else "met_nobody"


@Language.component("kp", assigns=["doc._.kp_status"], requires=["doc._.people"])
def kp(doc: Doc) -> Doc:
    """Writes doc._.kp_status as the rule tells it; decisions.py settles it. Needs: people."""
    doc._.kp_status = kp_status(doc._.people, doc._.text)
    return doc
