"""Amounts, percentages and discounts written in a note: where they stand and what they are worth.

Everything that can be money is found here; which of them is a price, and whose, is decided in prices.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from models.analysis import Amount
from models.numbers import DIGITS, HAN, NUMBER, SCALE, around, parse_adjacent, parse_number, tidy, times
from models.spoken import UNIT_WORD, find_spoken

AmountForm = Literal["money", "percent", "discount"]

_CURRENCY = r"元钱|块钱|元|块|圆|毛钱|毛|分钱|刀|美元|美金|美刀|台币|欧元|欧|港币|港元|港纸|日元|人民币|RMB|rmb|USD|usd|蚊"
_PER = rf"(?:(?P<slash>/|每|(?:钱)?一|·)(?P<unit>{UNIT_WORD})(?:/(?P<unit2>年|月|天|季|次|台|人))?)"
"""What a price is for one of: /吨, 每台, 一平, /人/月."""
_RANGE_AFTER = "多|几|余|来|出头|以内|之内|以下|以上|起|左右|上下"

_COUNTED = rf"(?![万亿])[{HAN}]*[十百千万][一二三四五六七八九](?=[一两二三四五六七八九](?:{UNIT_WORD}|[坛盆份门块家样间幅顶]))"
"""A number behind which something is counted: 十八万四 in 十八万四两台."""
_BEGINS = rf"(?=[{HAN}\d¥￥$UHNTR\s不别莫勿没超好几小])"
"""No amount begins otherwise: most places of a text are passed over by this one look."""

AMOUNT = re.compile(
    rf"{_BEGINS}(?P<sign>USD|US\$|HK\$|NT\$|TWD|HKD|RMB|[¥￥$])?\s?(?P<before>不到|不足|(?:不|别|莫|勿|没|不能|不要|不得|不许)超过|超过)?(?P<sign2>[¥￥$])?"
    rf"(?:(?P<low>{NUMBER})(?:元|块)?(?:到|至|-|~|—|--)(?P<high>{NUMBER})"
    rf"|(?P<tens>[一二两三四五六七八九]?[十百千])(?P<some>来|几|多)(?P<tenscale>个?[万千百亿wk]|个亿)?"
    rf"|(?P<few>好几|几|小几)(?P<fewscale>十万|百万|千万|万|千|百)"
    rf"|(?P<one>(?:[{HAN}]+?(?=一(?:(?:{UNIT_WORD})(?!{SCALE})|共|起(?!步)|直|样|[毛分](?:没|不|都|也|未)))|{_COUNTED}|{NUMBER})))"
    rf"(?:(?P<after>{_RANGE_AFTER})(?P<afterscale>{SCALE})?)?"
    rf"(?:\s?(?P<currency>{_CURRENCY})(?:(?P<tail>[一二三四五六七八九](?![{HAN}个年月天日号周成折]|(?:{UNIT_WORD})))|(?P<mao>[1-9](?![\d.])))?)?(?P<after2>以内|之内|以下|以上|出头|多)?"
    rf"\s?{_PER}?"
)
_BEHIND = re.compile(rf"\s?{_PER}")
PERCENT = re.compile(
    rf"(?=[{HAN}\d])(?P<value>\d+(?:\.\d+)?|[{HAN}]+|十来|十几)(?:多)?(?:%|％|个百分点|个点|趴|成(?!交|本|功|型|品|都|员|立|为|了|份|绩|熟|套|年|长|人|单))|百分之(?P<han>[{HAN}\d]+)"
)
DISCOUNT = re.compile(
    r"(?P<value>\d(?:\.\d+)?|\d\d|[一二三四五六七八九]{1,2}|[一二三四五六七八九]点[一二三四五六七八九]+)折(?!腾|叠|算|旧|返)"
)

_TRAP_AFTER = re.compile(
    r"年(?:\d|的|底|初|前|后|来|合同|质保|了|多|老|内|以|签|框|租|\s|[,。;]|$)|月(?:\d|份|底|初|中|前|后|[,。;]|$)|个月|日|号|点(?!心)|[:：]\d|楼|层|岁|栋|座|室|期|届|天|周|小时|分钟|秒|路|弄|单元|"
    r"[A-Za-z]{1,4}\d|[xX×*]\d|mm|cm|MM|kw|KW|kW|Mpa|℃|°|V(?![A-Za-z])|A(?![A-Za-z])|寸|英寸|吋|dn|DN|目|#|级|类|星|代"
)
_TAX_BEHIND = re.compile(r"\s?的?(?:增值|专|普|发|开)?[票税]")
_TAX_BEFORE = re.compile(r"(?:含|带|税率|税点|票点|税|开票)[是加要为]?\s?$")
"""What makes a percentage one of tax: nothing that a price is reduced by."""
_PHONE = re.compile(r"(?=\d)(?:1\d{2}[\dxX*]{8}|\d{3,4}-\d{7,8}|\d{7,})")
_DATE = re.compile(
    r"(?=\d)(?:(?:20\d\d|\d\d)[./年-]\d{1,2}[./月-]\d{1,2}日?|\d{1,2}[月]\d{1,2}[日号]?|(?<![\d,.])\d{1,2}/\d{1,2}(?!\d|[元块万])|\d{1,2}:\d{2}(?:-\d{1,2}:\d{2})?|(?:19\d\d|20\d\d)年|20[12]\d(?![\d,.万千元块])|(?<![\d.])0\d{3}(?![\d.万千元块])|^(?:1[0-2]|[1-9])\.(?:[12]\d|3[01]|0?[1-9])(?=[|\s]))",
    re.M,
)
_CODE = re.compile(
    r"(?=[\d一二三四五六七八九十百千A-Za-z×*])(?:百分百|[\d.]+千[瓦伏克米焦卡赫]|\d+[wW](?=[\u4e00-\u9fff]{0,2}[机灯器])|[\d一二三四五六七八九十百千]+[乘*×xX][\d一二三四五六七八九十百千]+(?!个?[月年人天]|元|块)|(?<![A-Za-z\d])(?!(?:USD|RMB|HKD|TWD|usd|rmb)\d)[A-Za-z]+[-_]?\d[A-Za-z0-9_.\-]*|(?!\d+[wWkK]\d(?![\dA-Za-z.]))\d+[A-Za-z]{1,3}\d[A-Za-z0-9_.]*|\d+[xX×*]\d+(?:[xX×*]\d+)?|(?<![支台套个只块箱件桶包张])[xX×*]\d+)"
)
_ENUMERATOR = re.compile(r"(?:^|(?<=[\s;。√✓]))\d{1,2}[.、)](?=[^\d\s])", re.M)
_SCALED = re.compile("[万千百亿wWkK]")
_WAN = re.compile("[万wW]")
_BARE = re.compile(rf"(?:[\d.]+|[一二三四五六七八九][{HAN}]+)(?:以内|之内|以下|以上|左右|上下)?")
_COUNTER = re.compile(
    rf"\s?(?:{UNIT_WORD}|[个家位名口岁号点楼层折成分秒码寸间年月日天倍级等项幅顶株棵所处科班批轮趟次回盏部全厘公毫分号万千百A-Za-zμ℃%％:：/×*~.-])"
)


@dataclass(frozen=True, slots=True)
class AmountMention:
    """`text[start:end]` of the normalised note. `value` is in yuan for money, a percentage for percent, a factor (0.85) for discount."""

    start: int
    end: int
    form: AmountForm
    value: Amount
    quote_end: int
    unit: str | None
    explicit: bool
    currency: str


def _currency(match: re.Match[str]) -> str:
    word = match["currency"] or ""
    sign = (match["sign"] or "") + (match["sign2"] or "")
    if word in ("港币", "港元", "港纸") or "HK" in sign:
        return "HKD"
    if word == "台币" or "NT" in sign or "TWD" in sign:
        return "TWD"
    if word in ("刀", "美元", "美金", "美刀", "USD", "usd") or "$" in sign or "USD" in sign:
        return "USD"
    if word in ("欧元", "欧"):
        return "EUR"
    return "JPY" if word == "日元" else "CNY"


def _unit(match: re.Match[str] | None) -> str | None:
    """What _PER found: 吨, or 人/月."""
    if not match or not match["unit"]:
        return None
    return match["unit"] + (f"/{match['unit2']}" if match["unit2"] else "")


def _scaled_low(low: str, high: str) -> tuple[int | float, int | float] | None:
    """Both ends of a range; the lower one borrows the scale of the upper: 8到10万."""
    a, b = parse_number(low), parse_number(high)
    if a is None or b is None:
        return None
    if a < b and not re.search(r"[万千百亿wWkK]", low):
        scale = re.search(rf"({SCALE}|[万千百亿wWkK])$", high)
        for own in (scale[0], scale[0][-1]) if scale else ():  # of 八到十万 it is 万
            scaled = parse_number(low + own)
            if scaled is not None and scaled < b:
                a = scaled
                break
    return (a, b) if a < b else None


def _value(match: re.Match[str]) -> Amount | None:
    if match["low"]:
        return _scaled_low(match["low"], match["high"])
    if match["tens"]:
        scale = (match["tenscale"] or "").removeprefix("个")
        base = parse_number(match["tens"])
        if base is None:
            return None
        size = 10 if match["tens"][-1] == "十" else 100 if match["tens"][-1] == "百" else 1000
        factor = parse_number("1" + scale) if scale else 1
        return None if factor is None else (tidy(base * factor), tidy((base + size) * factor))
    if match["few"]:
        factor = parse_number("1" + match["fewscale"]) or 1
        return (factor, factor * 9)
    phrase = match["one"]
    adjacent = parse_adjacent(phrase)
    if adjacent:
        return adjacent
    value = parse_number(phrase)
    if value is None:
        return None
    if match["after"] and match["afterscale"]:
        factor = parse_number("1" + match["afterscale"]) or 1
        return (value * factor, (value + 1) * factor)
    if match["mao"] and match["currency"] in ("块", "元"):
        value = tidy(value + int(match["mao"]) / 10)
    if match["tail"] and match["currency"] in ("块",):
        value = tidy(value + (parse_number(match["tail"]) or 0) / 10)
    if match["currency"] in ("毛", "毛钱"):
        value = tidy(value / 10)
    if match["currency"] == "分钱":
        value = tidy(value / 100)
    return around(value, phrase, match["before"] or match["after"] or match["after2"] or "")


def _traps(text: str) -> list[tuple[int, int]]:
    """Stretches whose digits are no amounts: phone numbers, dates, times, part numbers, the numbers of a list."""
    return [m.span() for pattern in (_PHONE, _DATE, _CODE, _ENUMERATOR) for m in pattern.finditer(text)]


_BEGINNING = [AMOUNT.groupindex[name] for name in ("sign", "sign2", "before", "low", "tens", "few", "one")]
_CORE = [
    AMOUNT.groupindex[name]
    for name in ("high", "some", "tenscale", "fewscale", "one", "after", "afterscale", "currency", "tail", "mao", "after2")
]
"""The groups one of which begins an amount, and those after the last of which it ends but for its unit."""


def _in_wan(text: str, found: Sequence[AmountMention]) -> list[AmountMention]:
    """The amounts, of which a bare number is in 万 where it is then near another that is: 报43万, 他说41 is 410000."""
    plain = [(a, a.value) for a in found if a.form == "money" and not isinstance(a.value, tuple)]
    wan = [value for a, value in plain if value >= 10_000 and _WAN.search(text, a.start, a.end)]
    if not wan or any(a.explicit and value < 1000 for a, value in plain):
        return list(found)  # where 三毛 is a price, 3.3 is one as well

    def read(a: AmountMention) -> AmountMention:
        known = [v for v in (a.value if isinstance(a.value, tuple) else (a.value,)) if v]
        if a.form != "money" or a.explicit or a.unit is not None or not known or max(known) >= 1000:
            return a
        bare = a.end - a.start > 1 and _BARE.fullmatch(text, a.start, a.end) and not _COUNTER.match(text, a.end)
        near = any(0.6 <= v * 10_000 / w <= 1.6 for v in known for w in wan)
        return replace(a, value=times(a.value, 10_000)) if bare and near and text[a.start - 1 : a.start] not in ("月", "第") else a

    return list(map(read, found))


def find_amounts(text: str) -> list[AmountMention]:
    """All money, percent and discount mentions of a normalised note, in order, without overlaps."""
    found: list[AmountMention] = []
    taken: list[tuple[int, int]] = []
    for m in DISCOUNT.finditer(text):
        raw = m["value"]
        digits = "".join(str(DIGITS.get(c, c)) for c in raw if c not in "点.")
        if digits.isdigit() and int(digits):
            factor = int(digits) / 10 ** len(digits)
            found.append(AmountMention(m.start(), m.end(), "discount", tidy(factor), m.end(), None, True, "CNY"))
            taken.append(m.span())
    for m in PERCENT.finditer(text):
        raw = m["han"] or m["value"]
        value = 15 if raw in ("十来", "十几") else parse_number(raw)
        if _TAX_BEHIND.match(text, m.end()) or _TAX_BEFORE.search(text, max(0, m.start() - 4), m.start()):
            taken.append(m.span())
        elif value is not None and value < 1000:
            percent = value * 10 if m[0].endswith("成") else value
            found.append(AmountMention(m.start(), m.end(), "percent", tidy(percent), m.end(), None, True, "CNY"))
            taken.append(m.span())
    taken += _traps(text)
    for spoken in find_spoken(text):
        if all(spoken.end <= start or spoken.start >= end for start, end in taken):
            behind = _BEHIND.match(text, spoken.end)
            end = behind.end() if behind else spoken.end
            found.append(AmountMention(spoken.start, spoken.end, "money", spoken.value, end, _unit(behind), True, "CNY"))
            taken.append((spoken.start, spoken.end))
    covered = bytearray(len(text))
    for start, end in taken:
        covered[start:end] = b"\1" * (end - start)
    at = 0
    while found_here := AMOUNT.search(text, at):
        m = found_here
        at = max(m.end(), at + 1)
        spans = m.regs
        begin = min(spans[group][0] for group in _BEGINNING if spans[group][0] >= 0)
        core_end = max(spans[group][1] for group in _CORE)
        explicit = bool(m["sign"] or m["sign2"] or m["currency"])
        overlapping = [t for t in taken if begin < t[1] and core_end > t[0]] if 1 in covered[begin:core_end] else []
        if overlapping and not (explicit and m["currency"] and all(t[1] <= m.end("one") and m["one"] for t in overlapping)):
            at = max(begin + 1, min(at, max(t[1] for t in overlapping)))
            continue
        digits = m["one"] or ""
        scaled = bool(_SCALED.search(text, begin, core_end))
        if not explicit and not scaled and _TRAP_AFTER.match(text, core_end) and not m["slash"]:
            continue
        if (
            not explicit
            and not scaled
            and digits
            and not digits[0].isdigit()
            and not m["slash"]
            and (len(digits) < 2 or text[core_end : core_end + 1] in "个家次位名口")
        ):
            continue
        if digits and digits[0].isdigit() and begin and text[begin - 1] in "第-_.#" and not explicit and text[begin - 1] != "-":
            continue
        amount = _value(m)
        if amount is None or amount == 0:
            continue
        end = m.end() if m["slash"] else core_end
        found.append(AmountMention(begin, core_end, "money", amount, end, _unit(m), explicit, _currency(m)))
    return _in_wan(text, sorted(found, key=lambda a: a.start))
