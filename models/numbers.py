"""Chinese and Western number phrases to values: 3万5, 一万二, 一万二三, 两千八, 3.5w, 12k, 1.2个亿, 8到10万, 十来万, 不到5万."""

from __future__ import annotations

import re

from models.analysis import Amount

DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "俩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
          "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5, "陆": 6, "柒": 7, "捌": 8, "玖": 9, "廿": 20, "卅": 30}  # fmt: skip
UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000, "萬": 10_000, "亿": 100_000_000,
         "w": 10_000, "W": 10_000, "k": 1000, "K": 1000, "m": 1_000_000, "M": 1_000_000}  # fmt: skip

HAN = "零〇一二两俩三四五六七八九十百千万亿廿卅壹贰叁肆伍陆柒捌玖拾佰仟"
WESTERN = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?"
SCALE = r"(?:个亿|个[wW](?![A-Za-z])|千万|百万|十万|亿|万|千|百|[wWkK](?![A-Za-z]))"
_TAIL = rf"(?:零?\d{{1,4}}(?![\d.]|{SCALE}|个|台|家|折|%)|(?!一\s?(?:台|吨|套|年|月|季|人|平|米|亩|公斤|斤|个|件|箱|桶|袋|包|瓶|盒|支|条|张|片|票|单|天|次|辆|车|户|樘|位|节|期|课|根|盏|捆|棵|株|份|桌|间|晚|罐|组|双|只))[一二三四五六七八九](?![{HAN}])|\d千\d?(?!\d)|\d百\d?(?!\d))"
_HAN_NUMBER = rf"(?![万亿])[{HAN}]+(?:点[零一二三四五六七八九]+[万亿]?)?(?:[wWkK](?![A-Za-z]))?"
_SPACED = rf"\s{SCALE}\s\d{{1,4}}(?![\d.]|\s?(?:{SCALE}|[台个家折%年月号日位点套吨张支只瓶箱人本组組片條条]))"
"""As Taiwanese type it: 7 萬 2, 3 萬 8."""
NUMBER = rf"(?:\d+\.\d+\s?{SCALE}(?={_TAIL}个)|(?:{WESTERN})(?:{_SPACED}|\s?{SCALE}{_TAIL}?|千\d+|百\d+)?|{_HAN_NUMBER})"
"""A pattern for one plain number with its scale (no range words)."""

_PLAIN = re.compile(rf"({WESTERN})(个亿|个w|千万|百万|十万|亿|万|千|百|[wWkK])?(.*)", re.S)
_SCALES = {"个亿": 10**8, "亿": 10**8, "千万": 10**7, "百万": 10**6, "十万": 10**5, "万": 10**4, "w": 10**4, "W": 10**4, "个w": 10**4,
           "千": 1000, "k": 1000, "K": 1000, "百": 100}  # fmt: skip


def tidy(value: float) -> int | float:
    """Whole numbers as int, others rounded to a hundredth of a fen."""
    nearest = round(value)
    return nearest if abs(value - nearest) < 1e-6 else round(value, 4)


def _han(phrase: str) -> float | None:
    """A number written in Chinese characters; 一万二 is 12000, a colloquial tail counts a tenth of the unit before it."""
    if "点" in phrase:
        whole, _, rest = phrase.partition("点")
        digits = ""
        scale = 1.0
        for c in rest:
            if c in DIGITS and not digits.endswith("!"):
                digits += str(DIGITS[c])
            elif c in UNITS:
                scale *= UNITS[c]
        base = _han(whole) if whole else 0.0
        return None if base is None or not digits else (base + float("0." + digits)) * scale
    if all(c in DIGITS and DIGITS[c] < 10 for c in phrase) and len(phrase) > 1:
        spelt = len(phrase) > 2 and "两" not in phrase
        return float("".join(str(DIGITS[c]) for c in phrase)) if spelt else None
    total = section = 0.0
    digit: float | None = None
    last_unit = 1.0
    zero, places = False, 1
    for c in phrase:
        if c in DIGITS:
            if DIGITS[c] >= 20:
                section += DIGITS[c]
                last_unit = 10
            elif DIGITS[c] == 0:
                zero = True
            elif digit is not None and last_unit >= 1000:  # 一万六五: as many places below the last unit as there are digits
                digit, places = digit * 10 + DIGITS[c], places + 1
            else:
                digit, places = float(DIGITS[c]), 1
        elif c in UNITS:
            unit = UNITS[c]
            if unit >= 10_000:
                total = (total + section + (digit or 0.0)) * unit if total + section + (digit or 0.0) else float(unit)
                section, digit = 0.0, None
            else:
                section += (1.0 if digit is None else digit) * unit
                digit = None
            last_unit, zero = unit, False
        else:
            return None
    if digit is not None:
        section += digit * (last_unit / 10**places if last_unit >= 100 and not zero else 1)
    return total + section


def parse_number(phrase: str) -> int | float | None:
    """The value of one number phrase without range words, or None where it is no number.

    A tail after a scale is colloquial: 3万5 is 35000 and 8千6 is 8600, but 3万500 is 30500.
    """
    phrase = phrase.replace(" ", "").lstrip("¥￥$")
    if not phrase or phrase in "wWkK":
        return None
    found = _PLAIN.fullmatch(phrase)
    if not found:
        value = _han(phrase[:-1]) if phrase[-1] in "wWkK" else _han(phrase)
        if value is None:
            return None
        return tidy(value * _SCALES[phrase[-1]] if phrase[-1] in "wWkK" else value)
    value = float(found[1].replace(",", ""))
    scale = _SCALES.get(found[2] or "", 1)
    value *= scale
    tail = found[3]
    if not tail:
        return tidy(value)
    rest = parse_number(tail)
    if rest is None or scale == 1:
        return None
    one = len(tail) == 1 or (len(tail) == 2 and tail[0] in "零0")
    if tail[0] in "零0":
        return tidy(value + rest)
    if one:
        return tidy(value + rest * scale / 10)
    if tail.isdigit() and scale >= 10_000 and len(tail) < 3:
        return None
    return tidy(value + rest)


_NEXT_DIGITS = re.compile(r"([一二三四五六七八九])([一二三四五六七八九])(?=$|[十百千万亿])")


def parse_adjacent(phrase: str) -> tuple[int | float, int | float] | None:
    """Neighbouring digits are a range: 一万二三 is 12000 to 13000, 七八万 70000 to 80000, 三五万 (as set a phrase) 30000 to 50000."""
    found = None
    for match in _NEXT_DIGITS.finditer(phrase):
        if DIGITS[match[2]] == DIGITS[match[1]] + 1 or match[0] == "三五":
            found = match
    if not found:
        return None
    low = parse_number(phrase[: found.start(2)] + phrase[found.end(2) :])
    high = parse_number(phrase[: found.start(1)] + phrase[found.end(1) :])
    return None if low is None or high is None or low >= high else (low, high)


def times(value: Amount, factor: float) -> Amount:
    """A value or both known ends of a range, multiplied."""
    if isinstance(value, tuple):
        return (None if value[0] is None else tidy(value[0] * factor), None if value[1] is None else tidy(value[1] * factor))
    return tidy(value * factor)


def step(value: float, phrase: str) -> float:
    """The size of one step of the last written place: 三万多 has steps of 10000, 12.5万多 of 1000."""
    scale = 1.0
    for mark, size in _SCALES.items():
        if phrase.rstrip().endswith(mark):
            scale = float(size)
            break
    else:
        for c in reversed(phrase):
            if c in UNITS:
                scale = UNITS[c]
                break
    if value <= 0:
        return scale
    lead = value / scale
    if lead >= 1 and lead == int(lead):
        power = 1
        while lead % (power * 10) == 0:
            power *= 10
        return scale * power
    decimals = f"{lead:.6f}".rstrip("0").partition(".")[2]
    return float(scale * 10 ** -len(decimals)) if decimals else scale


def around(value: int | float, phrase: str, word: str) -> Amount:
    """A value with a range word: 多/几/来/出头 (up to one step more), 不到/以内/别超过 (up to), 以上/起 (from)."""
    if word in ("以上", "起", "超过"):
        return (value, None)
    if word in ("不到", "以内", "之内", "以下", "不足") or word.endswith("超过"):
        return (0, value)
    if word in ("多", "几", "余", "出头", "来"):
        size = step(value, phrase)
        return (value, tidy(value + size))
    return value
