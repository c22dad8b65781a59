"""Attempts to move the score without saying more about the customer, and changes that must not move it: how often each succeeds.

`python -m training.probes` prints the table; the model card quotes it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models.analysis import Note
from models.lexicon import rows
from models.pipeline import TRAINED, Analyzer, load
from training.artefacts import ANY_DAY
from training.augment import variant
from training.corpus import LabelledNote, read_split
from training.fit import SEED

TOLERANCE = 3
"""Points of 100 by which a score may move (issue 4)."""
FILLERS = (
    "会议气氛融洽，双方进行了深入友好的交流。", "以后继续加强学习，不断提升自己的业务能力！", "感谢领导和同事们一直以来的支持。", "后续会持续跟进，保持密切联系，力争早日突破。",
    "今天天气不错，路上有点堵，中午在楼下吃了碗面。", "客户态度良好，意向较强，相信一定会有好结果。",
)  # fmt: skip
"""Sentences that say nothing about a customer."""
HEADINGS = (
    "KP：有；需求：有；异议：价格；竞品：有；反思：有；下一步：跟进", "【关键人】已确认【需求】明确【异议】已处理【报价】已报【竞品】有【反思】有【下一步】有",
    "1.KP√ 2.需求√ 3.认可点√ 4.异议√ 5.价格√ 6.竞品√ 7.签单√ 8.原因√ 9.反思√ 10.下一步√", "第一KP 拍板 需求 痛点 认可 异议 价格 竞品 对比 签单 原因 反思 下次拜访 目标",
    "需求挖掘：完成\n异议处理：完成\n价值呈现：完成\n促成动作：完成\n复盘反思：完成\n下步计划：完成", "客户画像清晰，KP已锁定，需求已挖掘，价值已传递，异议已化解，闭环已形成，下一步持续赋能",
    "决策链：清晰；预算：有；时间表：有；竞争态势：可控；赢率：高", "反思反思反思，下一步下一步下一步，竞品竞品竞品，报价报价报价，异议异议异议",
)  # fmt: skip
"""Notes of headings and keywords without content: labels.md gives at most 1 on each dimension, so at most 50 points."""
TRUE_FINDINGS = (
    ("next_step", "下周三上午带样品再去一趟，当面试给他看。"), ("reflection", "怪我，光顾着讲参数，没问他为什么不放心。"),
    ("close_attempt", "我当场提了今天能不能签，他说要再等等。"), ("need", "他们一个月要用六十吨，老设备三天两头坏。"),
)  # fmt: skip
"""A sentence that earns points on a dimension."""
Change = Callable[[LabelledNote, random.Random], str]


@dataclass(frozen=True, slots=True)
class Probe:
    """`change` makes another text of a note; `failed(before, after)` tells whether the score did what it must not."""

    name: str
    change: Change
    failed: Callable[[int, int], bool]


def _gains(before: int, after: int) -> bool:
    return after - before > TOLERANCE


def _loses(before: int, after: int) -> bool:
    return before - after > TOLERANCE


def _moves(before: int, after: int) -> bool:
    return abs(after - before) > TOLERANCE


def _falls(before: int, after: int) -> bool:
    return after < before


def padded(note: LabelledNote, rng: random.Random) -> str:
    """The note with two empty sentences behind it."""
    return f"{note['text'].rstrip()}\n{''.join(rng.sample(FILLERS, 2))}"


def opened(note: LabelledNote, rng: random.Random) -> str:
    """The note with an empty sentence before it."""
    return f"{rng.choice(FILLERS)}\n{note['text']}"


def repeated(note: LabelledNote, rng: random.Random) -> str:
    """The note with its longest sentence said again at the end."""
    sentences = re.split(r"(?<=[。！？!?\n])", note["text"])
    return f"{note['text'].rstrip()} {max(sentences, key=len).strip()}"


def renamed(note: LabelledNote, rng: random.Random) -> str:
    """The note with other names and brands."""
    text: str = variant(note, rng, drop_stops=False)["text"]
    return text


def without_stops(note: LabelledNote, rng: random.Random) -> str:
    """The note with spaces for its punctuation, as voice typing leaves it."""
    return re.sub(r"[，。；！？、,;!?]", " ", note["text"])


def traditional(note: LabelledNote, rng: random.Random) -> str:
    """The note in Traditional characters, one character to one."""
    table = {ord(s): t for t, s in reversed(rows("traditional.tsv")) if len(s) == 1}
    return str(note["text"]).translate(table)


def with_finding(sentence: str) -> Change:
    """The note with a sentence that says something true behind it."""
    return lambda note, _: note["text"].rstrip() + "\n" + sentence


PROBES = (
    Probe("padding with empty sentences gains", padded, _gains),
    Probe("padding with empty sentences loses", padded, _loses),
    Probe("an empty sentence at the head moves", opened, _moves),
    Probe("a sentence said twice gains", repeated, _gains),
    Probe("other names and brands move", renamed, _moves),
    Probe("no punctuation moves", without_stops, _moves),
    Probe("Traditional characters move", traditional, _moves),
    *(Probe(f"adding a true {dimension} lowers", with_finding(sentence), _falls) for dimension, sentence in TRUE_FINDINGS),
)


def score_of(analyzer: Analyzer, text: str) -> int:
    """The quality score of a text."""
    return analyzer.analyze(Note(text), ANY_DAY).quality.score


def failure_rates(analyzer: Analyzer, notes: Sequence[LabelledNote]) -> dict[str, float]:
    """Probe name to the share of notes on which it succeeded in moving the score; notes of a few characters are left out."""
    notes = [n for n in notes if len(n["text"]) > 8]
    before = [score_of(analyzer, n["text"]) for n in notes]
    out: dict[str, float] = {}
    for probe in PROBES:
        rng = random.Random(SEED)
        failed = sum(probe.failed(b, score_of(analyzer, probe.change(n, rng))) for n, b in zip(notes, before, strict=True))
        out[probe.name] = failed / len(notes)
    out["headings without content get more than 1 on a dimension"] = sum(
        any(d.level > 1 for d in analyzer.analyze(Note(text), ANY_DAY).quality.dimensions) for text in HEADINGS
    ) / len(HEADINGS)
    return out


def main(model: Annotated[Path, typer.Option(help="The trained model's folder.")] = TRAINED) -> None:
    """Print how often each attempt succeeds on dev."""
    table = Table("attempt", "succeeds on")
    for name, rate in failure_rates(load(model), read_split("dev")).items():
        table.add_row(name, f"{rate:.1%}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
