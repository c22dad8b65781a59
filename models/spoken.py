"""Small prices as they are spoken: 1块38, 五块三一平, 三块三毛五, 十三蚊二, 18块半, 两毛三, 1毛65, 4分5, and 便宜八分."""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.numbers import HAN, parse_number, tidy

UNIT_WORD = r"台|吨|[Tt](?![A-Za-z])|人|年|月|季度|季|平米|平方|平|㎡|m2|公斤|千克|斤|[Kk][Gg]|kg|个|件|箱|桶|袋|包|瓶|盒|支|枝|令|只|条|片|张|把|套|副|亩|户|樘|米|方|立方|柜|票|单|天|日|次|课时|节|期|点位|端|账号|头|羽|枚|卷|扇|车|趟|本|粒|颗|辆|升|[Ll](?![A-Za-z])|[Kk][Ww][Hh]|度|瓦|[Ww]p?|根|位|盏|捆|棵|株|份|桌|床|间|晚|罐|组|双|pcs|PCS|pc"
"""What a price is for one of."""
_DIGIT = "[一二三四五六七八九]"
_ENDS = rf"(?:(?=一(?:{UNIT_WORD}))|(?![\d.%％]|\s?(?:{UNIT_WORD}|多|几|[{HAN}块元毛角蚊折成号位家点楼层路栋])))"
"""Behind the digits of a price stands no counter, or they count something of their own: 2块30个."""
_ENDS_HAN = rf"(?:(?=一(?:{UNIT_WORD}))|(?![{HAN}个年月天日号周成折点]|(?:{UNIT_WORD})))"
"""The same where they are written in Chinese; 五块三一平 is 5.3 for one."""
_TAIL = rf"(?:[1-9]{_ENDS}|{_DIGIT}{_ENDS_HAN})"

_SPOKEN = re.compile(
    rf"(?=[\d{HAN}])(?:"
    rf"(?P<yuan>\d+|[{HAN}]{{1,5}})\s?(?:(?:块|蚊|元|圆)(?:(?P<cents>\d\d){_ENDS}|零(?P<odd>{_DIGIT}|[1-9])分?{_ENDS_HAN}|(?P<jiao>[1-9]|{_DIGIT})[毛角](?:(?P<fen>{_TAIL})分?)?"
    rf"|(?P<half>半)(?![天年个月小夜百千]))|蚊(?P<mon>{_TAIL})|块(?P<kuai>{_DIGIT})(?=一(?:{UNIT_WORD})))"
    rf"|(?P<mao>\d{{1,2}}|{_DIGIT}|两)[毛角](?P<after_mao>\d\d{_ENDS}|{_TAIL})"
    rf"|(?P<cent>[1-9]|{_DIGIT}|两)分(?P<after_cent>[1-9]{_ENDS}(?!钟)|(?!一){_DIGIT}{_ENDS_HAN}))"
)
_FEN = re.compile(
    rf"(?<![\d.{HAN}])(?P<fen>[1-9]|{_DIGIT}|两)分(?:钱|(?![\d{HAN}钟数店公制期成部之析配机布支校院局行流别歧红批线层级内外头母子店]))"
)
_DIFFERENCE = re.compile(rf"(?:便宜|[贵差少多高低让加减降涨抹])(?:了|个|咗|上|下)?(?P<fen>[1-9]|{_DIGIT}|两)分(?![\d{HAN}钟数没不都也])")
_MARKS = re.compile(r"评分|打分|得分|分数|技术分|评标|满意度|\d\d分(?!钟)")


@dataclass(frozen=True, slots=True)
class SpokenAmount:
    """`text[start:end]` is worth `value` yuan."""

    start: int
    end: int
    value: int | float


def _worth(m: re.Match[str]) -> float | None:
    def digits(name: str) -> str:
        found = m[name]
        return "" if found is None else found if found.isdigit() else str(parse_number(found))

    if m["yuan"]:
        base = parse_number(m["yuan"])
        if base is None:
            return None
        if m["odd"]:
            return base + int(digits("odd")) / 100
        below = digits("cents") or digits("mon") or digits("kuai") or ("5" if m["half"] else digits("jiao") + digits("fen"))
        return float(f"{base:.0f}.{below}")
    if m["mao"]:
        return float(f"{int(digits('mao')) / 10:.1f}{digits('after_mao')}") if int(digits("mao")) < 100 else None
    return float(f"0.0{digits('cent')}{digits('after_cent')}")


def find_spoken(text: str) -> list[SpokenAmount]:
    """The prices of a normalised note that are spoken in yuan and what is below, in order, without overlaps.

    分 alone is minutes or marks as well: it is money beside another such price, or as a difference (便宜八分).
    """
    found = []
    for m in _SPOKEN.finditer(text):
        value = _worth(m)
        if value is not None:
            found.append(SpokenAmount(m.start(), m.end(), tidy(value)))
    small = any(a.value < 1 for a in found)
    taken = [(a.start, a.end) for a in found]
    alone = _FEN if small else _DIFFERENCE
    for m in () if _MARKS.search(text) else alone.finditer(text):
        start, end = m.start("fen"), m.end()
        if all(end <= s or start >= e for s, e in taken):
            found.append(SpokenAmount(start, end, tidy((parse_number(m["fen"]) or 0) / 100)))
    return sorted(found, key=lambda a: a.start)
