"""Variants of a training note for the name tagger and the encoder: other surnames, other brands, sometimes no punctuation; the labels move along.

They teach to know a name by its company. Brands are put together from characters of brand names; no variant enters the corpus.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

from models.lexicon import rows
from training.corpus import LabelledNote

BRAND_CHARACTERS = "恒泰盛锐光安佳宏达华瑞科信通源丰海力星联亚东南北新博康康美欣元正诚德永鑫金龙凯利兴隆嘉润航宇天维迈腾创汇智云蓝卓拓巨雅森乐优邦普赛特尔克莱诺奥纳斯曼格林"
COMMON_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
GIVEN_CHARACTERS = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红梅玲建国志海波宁辉文斌云飞凯丹琳琴峰浩宇欣怡晨东林鹏"
_NO_SURNAME = re.compile(
    "老板|厂长|店|经|项目|安[全保装]|房东|董事|董秘|师[傅父母娘弟兄爷]|司[机务]|班[长長主]|公[公司]|东家|孙[女子]|支书|岳[父母]|连襟|那|顾问|文员|家[长長]|花[店艺藝]|管|石头|干[妈爸爹事]|"
    "程序|计划|段长|宿管|塔吊|储运|华[北东南中]|税务|后勤|成本|能源|水[果手电管]|商品|党委|常务|高[个管层]|包[工商]|车|全|庄主|代班|景区|井口|居委|韩国|戴[眼草帽]|工[程厂]|法[务人]|品[质管牌]|生产|设备"
)
"""Words for people that begin with a character which is a surname elsewhere."""
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
        and not _NO_SURNAME.match(mention)
        and not re.search(r"[总工姐哥嫂董生姨叔伯科处局老板师妈爸爷]|[经主厂园校院店部科队]", mention[1:])
    ):
        return surname + "".join(rng.sample(GIVEN_CHARACTERS, len(mention) - 1))
    if mention[0] in surnames and len(mention) > 1 and not _NO_SURNAME.match(mention):
        return surname + mention[1:]
    return mention


def _everywhere(value: Any, change: Callable[[str], str]) -> Any:
    """A label with every string in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_everywhere(part, change) for part in value]
    return {key: _everywhere(part, change) for key, part in value.items()} if isinstance(value, dict) else value


_QUOTING = ("people", "competitors", "objections", "next_step", "funds_date", "evidence")
"""Labels that quote the text."""


def variant(note: LabelledNote, rng: random.Random, *, drop_stops: bool = True) -> LabelledNote:
    """The note with its people and competitors renamed everywhere, and (with `drop_stops`) in a third of the cases without stops.

    Its labels quote the new names; the stops that a quote holds are not dropped from it.
    """
    surnames = _surnames()
    swaps = {p["mention"]: _person(rng, p["mention"], surnames) for p in note["people"]} | {c: _brand(rng, c) for c in note["competitors"]}
    named = re.compile("|".join(map(re.escape, sorted(swaps, key=len, reverse=True))))

    def renamed(text: str) -> str:
        return named.sub(lambda m: swaps[m[0]], text) if swaps else text

    text = renamed(note["text"])
    if drop_stops and rng.random() < 0.33:
        text = _STOPS.sub(lambda _: " " if rng.random() < 0.3 else "", text)
    return {**note, "text": text} | {key: _everywhere(note[key], renamed) for key in _QUOTING if key in note}
