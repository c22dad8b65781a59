"""From amounts with roles to the three price slots and the gaps between them, by arithmetic the note itself supports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from spacy.language import Language
from spacy.tokens import Doc

from models.amounts import AmountForm
from models.analysis import Amount, Gap, GapSide
from models.numbers import tidy, times
from models.prices import FoundPrice, representative

_CHEAPER = re.compile(r"便宜|低|少|省|降|砍|减|优惠|下来|抹|(?<![一每])平(?![方米均时])")
_AGREES = 0.1
"""How far, as a share of it, a rounded stated gap (差两万多) may lie from the difference of the figures."""
_US = re.compile(r"我们|我方|我司|咱|我家|我")
_THEM = re.compile(r"他们|他家|人家|那边|对方|对手|竞品|别家|另一家|同行|友商|它")


@dataclass(frozen=True, slots=True)
class Slots:
    """The deal's prices in yuan (or `currency`), a unit where the note gives one, and the gaps (ours - other)."""

    ours: Amount | None
    competitor: Amount | None
    customer: Amount | None
    currency: str
    unit: str | None
    gaps: tuple[Gap, ...]


def _minus(ours: Amount, other: Amount) -> Amount:
    """ours - other; a range on either side makes a range."""
    if not isinstance(ours, tuple) and not isinstance(other, tuple):
        return tidy(ours - other)
    a, b = ours if isinstance(ours, tuple) else (ours, ours), other if isinstance(other, tuple) else (other, other)
    low = None if a[0] is None or b[1] is None else tidy(a[0] - b[1])
    high = None if a[1] is None or b[0] is None else tidy(a[1] - b[0])
    if low is None and high is None:
        return 0
    return (low, high)


def _plus(value: Amount, amount: Amount, sign: int) -> Amount | None:
    if isinstance(value, tuple) or isinstance(amount, tuple):
        return None
    result = value + sign * amount
    return tidy(result) if result > 0 else None


def _signed(text: str, gap: FoundPrice) -> Literal[1, -1]:
    """Whether the note says that we are dearer (1) or cheaper (-1): 他们便宜5千 and 我们贵5千 are 1, 我们便宜5千 is -1."""
    before, after = text[max(0, gap.start - 14) : gap.start], text[gap.end : gap.end + 3]
    before = re.split(r"[,。;!?\n]", before)[-1]
    cheaper = bool(_CHEAPER.search(before + after))
    us, them = list(_US.finditer(before)), list(_THEM.finditer(before))
    compared = re.search(r"比(?:我们|咱|我)", before) and not re.search(r"[跟和同与][^,]{1,8}比(?:我们|咱|我)", before)
    subject_us = bool(us) and not compared and (not them or us[0].start() < them[0].start())
    subject_them = bool(compared) or (
        bool(them) and not subject_us and "比" + them[0][0] not in before and "比" not in before[: them[0].start()][-2:]
    )
    if cheaper:
        return -1 if subject_us else 1
    return -1 if subject_them else 1


def _told_by_figures(ours: Amount | None, other: Amount | None, gap: Amount) -> Literal[1, -1] | None:
    """The sign of a stated gap that both figures stand for (2块3, 1块9, 贵四毛): their difference says it more surely than the words beside it."""
    if ours is None or other is None or isinstance(ours, tuple) or isinstance(other, tuple) or isinstance(gap, tuple):
        return None
    between = ours - other
    if abs(abs(between) - gap) > _AGREES * gap or not between:
        return None
    return 1 if between > 0 else -1


def _pick(found: list[FoundPrice], role: str) -> list[FoundPrice]:
    return [p for p in found if p.role == role and p.form == "money"]


ABOUT_AS_SURE = 0.7
"""The latest quote counts, and of 4.6万 (0.98) and 陇阀报4.1万 (0.58) the first is ours: from this share of the surest one's probability on."""


def _usable(values: list[FoundPrice]) -> list[FoundPrice]:
    """Of several amounts in one role, those about as sure as the surest and of its order of magnitude."""
    lead = max(values, key=lambda p: p.probability)
    return [p for p in values if _alike(p.value, lead.value) and p.probability >= ABOUT_AS_SURE * lead.probability]


def _percent_gap(factor: float) -> int:
    """A price asked at a factor of ours: ours over theirs is 1/factor - 1, in whole percent (labels.md, price)."""
    return round((1 / factor - 1) * 100) if 0 < factor < 1 else 0


def _alike(a: Amount, b: Amount) -> bool:
    """Whether two amounts can be quotes for one deal: within a factor of five."""
    return 0.2 <= representative(a) / max(representative(b), 1e-9) <= 5


def reduction_factor(form: AmountForm, value: Amount) -> float:
    """What a price is multiplied by: 八五折 gives 0.85, 3个点 off gives 0.97."""
    number = representative(value)
    return number if form == "discount" else 1 - number / 100


def _factor(reduction: FoundPrice) -> float:
    return reduction_factor(reduction.form, reduction.value)


def assemble(text: str, found: tuple[FoundPrice, ...]) -> Slots:
    """The price slots and gaps of a note from its amounts with roles.

    Ours is the latest quote, the competitor's the lowest, the customer's the latest; a discount or stated gap fills in what follows by arithmetic.
    """
    everything = list(found)
    ours_found, rival_found, customer_found = (_pick(everything, r) for r in ("ours", "competitor", "customer"))
    main = _usable(ours_found)[-1] if ours_found else None
    ours: Amount | None = main.value if main else None
    competitor: Amount | None = min(_usable(rival_found), key=lambda p: representative(p.value)).value if rival_found else None
    customer: Amount | None = _usable(customer_found)[-1].value if customer_found else None

    if main and rival_found and ours is not None and competitor is not None and not _alike(ours, competitor):
        if main.probability < max(p.probability for p in rival_found):
            main = next((p for p in reversed(ours_found) if _alike(p.value, competitor)), None)
            ours = main.value if main else None
        else:
            competitor = min((p.value for p in rival_found if _alike(p.value, ours)), key=representative, default=None)
    granted = [p for p in everything if p.form != "money" and p.role == "ours" and 0 < _factor(p) < 1]
    if granted and main and granted[-1].start > main.start and ours is not None:
        ours = times(ours, _factor(granted[-1]))
    gaps: list[Gap] = []
    slots: dict[GapSide, Amount | None] = {"competitor": competitor, "customer": customer}
    for side in ("competitor", "customer"):
        against: GapSide = "competitor" if side == "competitor" else "customer"
        stated = [p for p in everything if p.role == f"gap_{side}"]
        money = next((p for p in reversed(stated) if p.form == "money"), None)
        percent = next((p for p in reversed(stated) if p.form == "percent"), None)
        asked = next(
            (
                p
                for p in reversed(everything)
                if side == "customer" and p.form != "money" and p.role in ("customer", "gap_customer") and 0 < _factor(p) < 1
            ),
            None,
        )
        other = slots[against]
        amount: Amount | None = None
        if money is not None:
            sign = (_told_by_figures(ours, other, money.value) or _signed(text, money)) if side == "competitor" else 1
            amount = times(money.value, sign) if not isinstance(money.value, tuple) else money.value
            if other is None and ours is not None and (not isinstance(ours, tuple)):
                other = _plus(ours, money.value, -sign)
            elif ours is None and other is not None and not isinstance(other, tuple) and side == "competitor":
                ours = _plus(other, money.value, sign)
        share = representative(percent.value) if percent is not None else None
        if share is not None and percent is not None and side == "competitor" and _signed(text, percent) < 0:
            share = -share
        if other is None and side == "customer" and asked is not None:
            if ours is not None:
                other, share = times(ours, _factor(asked)), None
            else:
                share = float(_percent_gap(_factor(asked)))
        elif share is not None and other is None and ours is not None and money is None and side == "competitor":
            other = times(ours, 1 / (1 + share / 100))
        elif share is not None and ours is None and other is not None and money is None and side == "competitor":
            ours = times(other, 1 + share / 100)
        slots[against] = other
        if amount is None and ours is not None and other is not None:
            amount = _minus(ours, other)
        if amount is not None or share is not None:
            filled = share
            if filled is None and other is not None and amount is not None and representative(other):
                filled = round(100 * representative(amount) / representative(other), 1)
            gaps.append(Gap(against, amount, tidy(filled) if filled is not None else None, stated=share is not None or money is not None))
    used = [p for p in (main, *rival_found, *customer_found) if p]
    currency = next((p.currency for p in used if p.currency != "CNY"), "CNY")
    unit = next((p.unit for p in used if p.unit), None)
    return Slots(ours, slots["competitor"], slots["customer"], currency, unit, tuple(gaps))


@Language.component("gaps", assigns=["doc._.slots"], requires=["doc._.prices"])
def gaps(doc: Doc) -> Doc:
    """Writes doc._.slots. Needs: prices."""
    doc._.slots = assemble(doc._.text, doc._.prices)
    return doc
