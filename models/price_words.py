"""Whose price an amount is, by the words around it: plain rules whose verdict is a feature of the trained role (prices.py)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spacy.tokens import Doc

from models.amounts import AmountMention

_OWNERS = re.compile(
    r"(?P<us>我们|我方|我司|咱们|咱家|咱|我家|自家|伲|本公司|你们家|你们|你家|你这|你的|我)"
    r"|(?P<rival>人家|别家|别人|别个|另一家|另外一家|另外两家|隔壁|那边|对手|竞品|友商|同行|市面上?|市场价?|网上|他们家|他们|他家|原来那家|那家|现在用的?|现用|一直拿|现在拿|在拿|在用|供的|听说|打听|给[他她]们?报|凭[他她]|[他她]手[里上]|单子)"
    r"|(?P<offer>预算|只肯|只愿|最多|顶多|撑死|心理价位?|心理|还价|还到|砍到|压到|抹到|砍|让我们|叫我们|要我们|想要|希望|期望|出到|肯出|只出|只给|能出|愿意出|封顶|卡死|目标价|他要|要求|开口|想)"
    r"|(?P<old>去年|前年|上次|上回|以前|之前|往年|上批|上个月|当时|老价|原来)"
    r"|(?P<selling>零售|卖|售价|利润|毛利|营业额|产值|工资|房租|注册|罚|赔|押金|定金|首付|欠|省|损失|成本|流水|保额|限额|返|任务)"
    r"|(?P<takes>就能拿|能拿到|拿得到|就给[他她]?|就卖|就做|就肯)"
    r"|(?P<quote>报价|首报|现报|报了|报的|报到|报给|报)"
    r"|(?P<he>他|她|客户|对方|老板)"
)
_GAP_BEFORE = re.compile(r"(?:贵|高|差|便宜|多|低|少|省|超)(?:了|出|着|上|的)?(?:将近|差不多|整整|足足|大概|约|就)?$")
_GAP_AFTER = re.compile(r"^(?:的)?(?:差价|差距|差额)")
_TERMS = re.compile(r"^(?:/|一|每)?[^,。;]{0,3}(?:到厂|到货|含税|不含税|有税|出厂|包邮|自提|全包|打包|一口价|开票|含运)")
_QUOTED = re.compile(r"报价?|单价|总价|合同额|成交|签了?|给到|让到|降到|做到|年费|首单$")
_ASKS = re.compile(r"要求?|非要|叫我们?|让我们?|砍|还价|开口|张口|再|想|能不能|可不可以|打")
_GRANTS = re.compile(r"给|让了|让到|降了|申请|优惠|放")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an amount stands: counted (followed by a measure word), written like a price, whose word is nearest, first and next in its clause, the clause's heading."""

    counted: str
    pricey: bool
    owner: str
    first: str
    following: str
    label: str


def owner_marks(doc: Doc) -> list[tuple[int, str]]:
    """(place, whose) of every word that tells whose price stands near: us, a rival, the customer's offer, him, an old or foreign price."""
    marks = [(m.start(), str(m.lastgroup)) for m in _OWNERS.finditer(doc._.text)]
    marks += [(n.start, "rival") for n in doc._.names if n.label == "CMP"]
    return sorted(marks)


def rule_role(text: str, amount: AmountMention, place: Place, difference: bool) -> str:
    """What plain rules make of an amount; `difference`: it is the difference of two others."""
    before, after = text[max(0, amount.start - 6) : amount.start], text[amount.end : amount.end + 8]
    if amount.form != "money" and not _GAP_BEFORE.search(before):
        asked = _ASKS.search(text, max(0, amount.start - 14), amount.start)
        granted = _GRANTS.search(before)
        return "asked" if asked and not granted else "granted" if granted else amount.form
    if amount.form == "money" and place.counted == "counted" and not place.pricey:
        return "counted"
    if _GAP_BEFORE.search(before) or _GAP_AFTER.search(after) or (difference and place.pricey):
        return "gap"
    side = place.owner.removeprefix("-")
    if side in ("selling", "old", "offer", "rival"):
        return side
    if place.following == "takes" or (side == "quote" and place.first == "rival"):
        return "rival"
    if side == "quote" and place.first == "he":
        return "he-quotes"
    if side in ("us", "quote") or "报价" in place.label or _QUOTED.search(before) or _TERMS.search(after):
        return "ours"
    return "pricey" if place.pricey else "bare"
