"""Time expressions: where they stand, and the day they name, seen from the day of the visit."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from models.numbers import parse_number

_N = r"(?:\d{1,3}|[一二两三四五六七八九十半]{1,3})"
_WEEKDAY = r"(?:周|星期|礼拜|拜)[一二三四五六日天末1-7]"
_PART = r"(?:一早|早上|上午|中午|下午|晚上|傍晚|下班前|早晨|夜里|晚|早)?"
_CLOCK = rf"(?:{_N}点(?:半|{_N}分?)?|\d{{1,2}}:\d{{2}})?"
_EDGE = r"(?:之前|以前|前后|左右|以后|之后|之内|以内|前|后|内|起|开始)?"
_ALTERNATIVES = [
    rf"(?:明年|今年|后年|来年|20\d\d年?)?(?:1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月(?:份)?(?:[0-3]?\d|[一二三四五六七八九十廿]{{1,3}})[号日]{_PART}{_CLOCK}{_EDGE}",
    rf"(?:明年|今年|后年|来年|20\d\d年)?(?:1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月(?:份)?(?:初|中旬|中|底|末|上旬|下旬)?{_EDGE}",
    rf"(?:20\d\d[-/.年])?(?:1[0-2]|0?[1-9])[-/.](?:3[01]|[12]\d|0?[1-9])(?![\d%万元块]){_PART}{_CLOCK}{_EDGE}",
    rf"(?:下下|下个?|这个?|本|上个?)?{_WEEKDAY}{_PART}{_CLOCK}{_EDGE}",
    rf"(?:下下|下个?|这|本)(?:周|星期|礼拜)(?:内|里|初|中|末)?{_PART}{_EDGE}",
    rf"(?:下下个?|下个?|这个?|本|当|次)月(?:初|中旬|中|底|末)?(?:[0-3]?\d[号日]|[一二三四五六七八九十]{{1,3}}[号日])?{_EDGE}",
    rf"(?:每)?月(?:初|中旬|底|末)(?!开){_EDGE}",
    rf"(?:明年|今年|来年|后年|本年|年)(?:初|中|底|末|前|后|内)(?:{_EDGE})",
    rf"(?:明年|来年|后年)(?:开春|春天|上半年|下半年|一季度|二季度|三季度|四季度|春节)?{_EDGE}",
    rf"(?:今天|明天|后天|大后天|今晚|明晚|明早|明儿|明朝|后儿|今儿|当晚|翌日|次日|第二天|隔天|听日|聽日|明日|后日|今日){_PART}{_CLOCK}{_EDGE}",
    rf"(?:过|再过|再等)?{_N}(?:个)?(?:天|日|周|星期|礼拜|月|工作日|小时|钟头)(?:半)?(?:之内|以内|之后|以后|内|后|左右)",
    r"半(?:个)?(?:月|年)(?:之内|以内|之后|以后|内|后)",
    rf"(?:[0-3]?\d|[二三]?十[一二三四五六七八九]?|廿[一二三四五六七八九]|[一二三四五六七八九])[号日](?!楼|线|机|店|库|院|桌|柜|车|门|厂|仓|称|报|常|化|用|料|钢|电|柴|汽){_PART}{_CLOCK}{_EDGE}",
    rf"(?:初[一二三四五六七八九十]|正月(?:初?[一二三四五六七八九十]{{1,2}})?|腊月[一二三四五六七八九十廿]{{0,3}}|元宵){_PART}{_EDGE}",
    r"(?:春节|过年|年|国庆节?|中秋节?|五一|十一|端午|清明|元旦|双十一|双11|618|节|假期|寒假|暑假|开学|开春|麦收|秋收|三夏|季度末|季末|月末|CNY|cny)(?:前|后|之前|之后|以后|以前|完|过后|期间)",
    rf"(?:一|二|三|四|[1-4])季度(?:初|末|内|底)?{_EDGE}|[Qq][1-4](?:初|末|内|底)?{_EDGE}",
    r"(?:中秋|国庆|元旦|端午|双十一|开春|开学|麦收|秋收|立春|入冬|入秋|寒假|暑假)(?:那天|左右)?",
    r"(?:合同|框架|协议|租约|保单|系统)?到期(?:前)?(?:半年|一个月|两个月|三个月|前|后|之前|之后)",
    r"年中|年底|年初|年前|年后|月底|月初|周末|下半年|上半年|本周内|这两天内|三天之内|两天内",
]
_BEGINS = r"(?=[\dCcQq一七三上下两中九二五今保假元入八六再初到十半协双合后听周四国大季寒年廿开当拜明星春暑月本来框次正每清礼秋租立端第系翌聽腊节过这隔麦])"
"""No time expression begins otherwise: most places of a text are passed over by this one look (tests/models/test_times.py proves it complete)."""
TIME = re.compile(_BEGINS + "(?:" + "|".join(_ALTERNATIVES) + ")")
_VAGUE = {"下次", "改天", "有空", "尽快", "近期"}
_HAN_WEEKDAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, "末": 5, **{str(i): i - 1 for i in range(1, 8)}}
_FIXED = {"元旦": (1, 1), "五一": (5, 1), "国庆": (10, 1), "十一": (10, 1), "双十一": (11, 11), "双11": (11, 11), "618": (6, 18)}


@dataclass(frozen=True, slots=True)
class TimeMention:
    """A time expression `text[start:end]` of the normalised note."""

    start: int
    end: int
    text: str


def find_times(text: str) -> list[TimeMention]:
    """All time expressions of a normalised note, in order."""
    return [TimeMention(m.start(), m.end(), m[0]) for m in TIME.finditer(text) if len(m[0]) > 1 and m[0] not in _VAGUE]


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _coming(month: int, day: int, today: date) -> date | None:
    """The next such day: this year's, or next year's where this year's lies more than three months back."""
    this = _day(today.year, month, day)
    if this and this < today - timedelta(days=92):
        return _day(today.year + 1, month, day)
    return this


def _month_end(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _add_months(today: date, months: int) -> tuple[int, int]:
    index = today.year * 12 + today.month - 1 + months
    return index // 12, index % 12 + 1


def _part_of_month(year: int, month: int, part: str) -> date | None:
    if part in ("底", "末"):
        return _month_end(year, month)
    if part == "初":
        return date(year, month, 1)
    return date(year, month, 15) if part.startswith("中") else None


def _number(phrase: str) -> int | None:
    value = parse_number(phrase)
    return int(value) if value is not None else None


def resolve(expression: str, today: date) -> date | None:
    """The day a time expression names, seen from `today` (the day of the visit); None where it names no single day.

    下周三 counts weeks from Monday; 月底 is the month's last day; an edge such as 前 or 左右 keeps the day itself.
    """
    e = expression
    if m := re.search(r"(20\d\d)[-/.年](\d{1,2})[-/.月](\d{1,2})", e):
        return _day(int(m[1]), int(m[2]), int(m[3]))
    if m := re.match(r"(明年|后年|来年|今年|20\d\d年?)?([\d一二三四五六七八九十]{1,2})月(?:份)?([\d一二三四五六七八九十廿]{1,3})[号日]", e):
        month, day = _number(m[2]), _number(m[3])
        if not month or not day or month > 12:
            return None
        if m[1] in ("明年", "来年"):
            return _day(today.year + 1, month, day)
        return _coming(month, day, today)
    if m := re.match(r"(?:明年|来年)?([\d一二三四五六七八九十]{1,2})月(?:份)?(初|中旬|中|底|末)", e):
        month = _number(m[1])
        if not month or month > 12:
            return None
        year = today.year + (1 if e[0] in "明来" or month < today.month - 3 else 0)
        return _part_of_month(year, month, m[2])
    if m := re.match(r"(\d{1,2})[-/.](\d{1,2})", e):
        return _coming(int(m[1]), int(m[2]), today) if int(m[1]) <= 12 else None
    if m := re.match(r"(下下|下个?|这个?|本|上个?)?(?:周|星期|礼拜|拜)([一二三四五六日天末1-7])", e):
        weekday = _HAN_WEEKDAYS[m[2]]
        monday = today - timedelta(days=today.weekday())
        weeks = {"下下": 2, "下": 1, "下个": 1, "上": -1, "上个": -1}.get(m[1] or "", 0)
        named = monday + timedelta(days=7 * weeks + weekday)
        return named + timedelta(days=7) if not m[1] and named < today else named
    if m := re.match(r"(下下个?|下个?|这个?|本|当|次)月(初|中旬|中|底|末)?(?:([\d一二三四五六七八九十]{1,3})[号日])?", e):
        year, month = _add_months(today, 2 if m[1].startswith("下下") else 1 if m[1][0] in "下次" else 0)
        if m[3]:
            return _day(year, month, _number(m[3]) or 0)
        return _part_of_month(year, month, m[2]) if m[2] else None
    if m := re.match(r"月(初|中旬|底|末)", e):
        year, month = _add_months(today, 1 if m[1] == "初" and today.day > 10 else 0)
        return _part_of_month(year, month, m[1])
    if e.startswith(("年底", "今年底", "今年年底")):
        return date(today.year, 12, 31)
    offsets = (
        ("大后", 3),
        ("后天", 2),
        ("后日", 2),
        ("后儿", 2),
        ("明", 1),
        ("听日", 1),
        ("次日", 1),
        ("翌日", 1),
        ("第二天", 1),
        ("隔天", 1),
        ("今", 0),
        ("当晚", 0),
    )
    if not e.startswith(("明年", "今年")):
        for word, days in offsets:
            if e.startswith(word):
                return today + timedelta(days=days)
    if m := re.match(rf"(?:过|再过|再等)?({_N})(?:个)?(天|日|周|星期|礼拜|月)", e):
        count = 0.5 if m[1] == "半" else _number(m[1])
        if not count:
            return None
        if m[2] == "月":
            if count == 0.5:
                return today + timedelta(days=15)
            year, month = _add_months(today, int(count))
            return _day(year, month, min(today.day, monthrange(year, month)[1]))
        return today + timedelta(days=int(count * (1 if m[2] in "天日" else 7)))
    if m := re.match(r"([\d一二三四五六七八九十廿]{1,3})[号日]", e):
        day_number = _number(m[1])
        if not day_number or day_number > 31:
            return None
        year, month = _add_months(today, 1 if day_number < today.day else 0)
        return _day(year, month, day_number)
    for name, (month, day_of) in _FIXED.items():
        if e == name or e in (name + "节", name + "那天"):
            return _coming(month, day_of, today)
    return None
