"""Variants of a training note for the name tagger: other surnames, other brands, sometimes no punctuation; the labels move along.

They teach the tagger to know a name by its company. Brands are put together from characters of brand names; no variant enters the corpus.
"""

from __future__ import annotations

import random
import re

from models.lexicon import rows
from training.corpus import LabelledNote

BRAND_CHARACTERS = "恒泰盛锐光安佳宏达华瑞科信通源丰海力星联亚东南北新博康康美欣元正诚德永鑫金龙凯利兴隆嘉润航宇天维迈腾创汇智云蓝卓拓巨雅森乐优邦普赛特尔克莱诺奥纳斯曼格林"
COMMON_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
GIVEN_CHARACTERS = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红梅玲建国志海波宁辉文斌云飞凯丹琳琴峰浩宇欣怡晨东林鹏"
_STOPS = re.compile(r"[,，。;；!！?？、]")


def _surnames() -> str:
    return rows("surnames.txt")[0][0]


def _brand(rng: random.Random, old: str) -> str:
    if not re.fullmatch(r"[\u4e00-\u9fff]+", old):
        return old
    return "".join(rng.sample(BRAND_CHARACTERS, 2 if len(old) == 2 or rng.random() < 0.6 else 3))


def _person(rng: random.Random, mention: str, surnames: str) -> str:
    """Another surname in the same form: 王总 → 鲁总, 老周 → 老蔡, 刘庆山 → 董海波."""
    surname = rng.choice(COMMON_SURNAMES if rng.random() < 0.6 else surnames)
    if re.fullmatch(r"[老小阿大][\u4e00-\u9fff]", mention) and mention[1] in surnames:
        return mention[0] + surname
    if (
        re.fullmatch(r"[\u4e00-\u9fff]{2,3}", mention)
        and mention[0] in surnames
        and not re.search(r"[总工姐哥嫂董生姨叔伯科处局老板师妈爸爷]|[经主厂园校院店部科队]", mention[1:])
    ):
        return surname + "".join(rng.sample(GIVEN_CHARACTERS, len(mention) - 1))
    if mention[0] in surnames and len(mention) > 1 and not mention.startswith(("老板", "厂长", "店", "经", "项目", "安", "房东", "车间")):
        return surname + mention[1:]
    return mention


def variant(note: LabelledNote, rng: random.Random, *, drop_stops: bool = True) -> LabelledNote:
    """The note with its people and competitors renamed everywhere, and (with `drop_stops`) in a third of the cases without stops.

    Only text, people and competitors are kept in step; the other labels must not be read.
    """
    text, surnames = note["text"], _surnames()
    swaps = {p["mention"]: _person(rng, p["mention"], surnames) for p in note["people"]} | {c: _brand(rng, c) for c in note["competitors"]}
    if swaps:
        longest_first = sorted(swaps, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, longest_first)), lambda m: swaps[m[0]], text)
    if drop_stops and rng.random() < 0.33:
        text = _STOPS.sub(lambda _: " " if rng.random() < 0.3 else "", text)
    return {
        **note,
        "text": text,
        "people": [{**p, "mention": swaps[p["mention"]]} for p in note["people"]],
        "competitors": [swaps[c] for c in note["competitors"]],
    }
