"""Who may be a person of the customer's side: mentions gathered into candidates, with what the note says of their deciding."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from spacy.tokens import Doc

from models.cues import CueHit, CueScanner
from models.lexicon import grouped, rows

Span = tuple[int, int, float]
"""[start, end) of a mention and how probable it is to the CRF."""
_PERSON_GROUPS = ("top", "owner", "staff", "gate", "family", "vague")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person's mentions: `places` are [start, end) in the normalised note, `mention` the fullest form at `start`."""

    mention: str
    start: int
    end: int
    places: tuple[tuple[int, int], ...]
    title: str | None
    title_group: str
    crf: float
    titles: tuple[CueHit, ...] = ()
    """Every title in any of its forms: 厂长 and 哥 of 厂长丁哥."""
    told: str = ""
    """What told_to_decide says."""


class CandidateFinder:
    """Doc with names -> candidates: the CRF's people, surname + title, titles that stand alone, and whoever else the CRF takes for one perhaps."""

    def __init__(self) -> None:
        groups = grouped("titles.tsv")
        surnames = rows("surnames.txt")
        singles, doubles = surnames[0][0], "|".join(surnames[1][0].split())
        after = "|".join(sorted(groups["after"], key=len, reverse=True))
        self._named = re.compile(
            rf"(?:小|老|大|阿)[{singles}](?![\u4e00-\u9fff]?(?:板|师|实|家|的|时))|(?:{doubles}|(?<![感多谢致](?=谢))[{singles}])(?:{after})(?<!老(?=[{singles}]))|姓(?:{doubles}|[{singles}])(?:的|(?![名氏]))"
            rf"|[他她伊](?:老)?[爸妈爹娘哥姐弟妹叔婶舅姨]|([\u4e00-\u9fff])\1(?:妈妈|爸爸|妈|爸)|(?<![A-Za-z])[A-Z][a-z]{{2,8}}(?![A-Za-z])"
        )
        self._behind = re.compile(
            rf"姓(?:{doubles}|[{singles}])的?|(?![管和后亲师])(?:[小老阿大][{singles}]|(?:{doubles}|[{singles}])(?:{after}|[\u4e00-\u9fff]{{1,2}}))"
        )
        self._alone = CueScanner({g: groups[g] for g in _PERSON_GROUPS})
        self._titles = CueScanner(
            {g: w for g, w in groups.items() if g != "after"}
            | {"after": tuple(w for w in groups["after"] if len(w) > 1 or w in "总工姐哥嫂董")}
        )

    def _spans(self, doc: Doc) -> list[Span]:
        text = doc._.text
        spans = [(n.start + trimmed(text[n.start : n.end]), n.end, n.probability) for n in doc._.names if n.label == "PER"]
        taken = bytearray(len(text))
        for n in doc._.names:
            taken[n.start : n.end] = b"\1" * (n.end - n.start)
        rules = [(m.start(), m.end(), 0.0) for m in self._named.finditer(text)]
        rules += [(h.start, h.end, 0.0) for h in self._alone(text, doc._.grams)]
        rules.sort(key=lambda s: (s[0] - s[1], s[0]))
        doubtful = [(n.start + trimmed(text[n.start : n.end]), n.end, n.probability) for n in doc._.doubtful_people]
        for start, end, probability in (*rules, *doubtful):
            if 1 not in taken[start:end]:
                spans.append((start, end, probability))
                taken[start:end] = b"\1" * (end - start)
        joined: list[Span] = []
        for start, end, probability in sorted(s for s in spans if text[s[0] : s[1]] not in _NOBODY):
            if joined and joined[-1][1] == start and self.one_person(text[joined[-1][0] : start], text[start:end]):
                before, _, other = joined.pop()
                joined.append((before, end, max(probability, other)))
            else:
                joined.append((start, end, probability))
        return joined

    def one_person(self, before: str, behind: str) -> bool:
        """Whether what stands behind a mention names the same person: 老板娘小谌, 采购毕姐, 董事长姓蒙. Of 133 such places in train none was of two persons."""
        if not self._behind.fullmatch(behind) or any(h.end - h.start == len(behind) for h in self._alone(behind)):
            return False
        return behind[0] == "姓" or any(h.end == len(before) for h in self._alone(before))

    def __call__(self, doc: Doc) -> list[Candidate]:
        return self.gathered(doc, self._spans(doc))

    def gathered(self, doc: Doc, spans: Sequence[Span]) -> list[Candidate]:
        """One candidate for each person that the spans, in order, mention."""
        text = doc._.text
        persons: list[tuple[set[str], set[str], list[Span]]] = []  # a person's forms, their characters, and where they stand
        alike: dict[tuple[str, str], bool] = {}  # in a long note the same few forms come again and again
        for span in spans:
            mention = text[span[0] : span[1]]
            spouse = mention in _SPOUSE  # one word for another, which is all that goes without a character in common
            for forms, letters, person in persons:
                if not spouse and letters.isdisjoint(mention):
                    continue
                for form in forms:
                    if (mention, form) not in alike:
                        alike[mention, form] = same_person(mention, form)
                if any(alike[mention, form] for form in forms):
                    forms.add(mention)
                    letters.update(mention)
                    person.append(span)
                    break
            else:
                persons.append(({mention}, set(mention), [span]))
        out = []
        for forms, _, person in persons:
            best = max(_titled(text, person), key=lambda s: (s[2] > 0.5, s[1] - s[0], -s[0]))
            mention = text[best[0] : best[1]]
            titles = {form: self._titles(form) for form in sorted(forms)}
            own = titles[mention]
            title, group = (own[-1].phrase, own[-1].groups[0]) if own else (None, "none")
            crf, hits = max(s[2] for s in person), tuple(chain.from_iterable(titles.values()))
            out.append(Candidate(mention, best[0], best[1], tuple((s, e) for s, e, _ in person), title, group, crf, hits))
        places, starts = mentioned(out), [c.start for c in doc._.clauses]
        return [replace(c, told=told_to_decide(doc, c, places, starts)) for c in out]


_CALLED = re.compile(r"姓([\u4e00-\u9fff])的?$")


def _titled(text: str, person: Sequence[Span]) -> Sequence[Span]:
    """Of a person told by surname (厂长姓敖) and with a title elsewhere (敖厂长), the forms with it: so 97 of 99 labels of train name such a one."""
    called = {found[1] for start, end, _ in person if (found := _CALLED.search(text, start, end))}
    titled = [span for span in person if "姓" not in text[span[0] : span[1]] and not called.isdisjoint(text[span[0] : span[1]])]
    return titled or person


_POSTS = re.compile(
    r"^(?:副?总经理|董事长|老板|副?院长|副?校长|园长|副?厂长|店长|采购部?|财务|技术|设备|经理|主任|生产副总|副总)(?=[\u4e00-\u9fff]{2,3}$)"
)
_TITLE_END = re.compile(r"(?:总|董|经理|主任|工|院长|校长|厂长|科长|部长|处长|局长|老板|先生|女士|小姐|师傅|老师|医生|姐|哥)$")
_TITLED = re.compile(r"^.(?:总|董|经理|主任|院长|校长|厂长|老板|园长|科长|部长)$")


_LEADING = re.compile(
    r"^(?:[\u4e00-\u9fff]{1,4}(?:部|科|处|办|组|车间)(?:的)?(?=[\u4e00-\u9fff]{2})(?!长|主任|员|经理|理)|(?:问|跟|找|见|和|给|让|请|约|等|叫|报|对|由|归|当|挨|谢谢)(?=[\u4e00-\u9fffA-Za-z]{2}))"
)
"""A department before the name, or a verb the tagger took along: no part of the mention (labels.md, people)."""


def trimmed(mention: str) -> int:
    """How many characters at the head of a tagged mention are no part of it: 质检科小虞 → 小虞, 问总监 → 总监."""
    found = _LEADING.match(mention)
    return found.end() if found else 0


def _surname(mention: str) -> tuple[str, bool]:
    """(surname, whether a given name follows) of 龚总, 总经理龚怡 or 周敏; ("", False) where there is none."""
    bare = _POSTS.sub("", mention)
    if not bare or bare[0] in "老小阿大":
        return "", False
    rest = _TITLE_END.sub("", bare[1:])
    return bare[0], len(rest) in (1, 2)


_SHORT = re.compile(
    "^(.)((?:副|总|董|工|处|局|科|部|老板|老闆|副总|副?经理|副?主任|总监|医生|老师|师傅|主席|书记|律师|教授)|副?[\u4e00-\u9fff]长)$"
)
"""A surname with a title: 程科长, 林总."""


def _short_for(short: str, full: str) -> bool:
    """Whether 程科长 is 技术科长程芳, 林总 常务副总林启明, 招厂长 厂长姓招 or 麦生 采购总监麦先生."""
    if len(short) == 2 and short[1] == "生" and full.endswith(short[0] + "先生"):
        return True
    found = _SHORT.match(short)
    if not found:
        return False
    surname, title = found.groups()
    return any(len(full) > k and full[-k] == surname and title in full[:-k] for k in (2, 3)) or full.endswith(title + "姓" + surname)


_SPOUSES = (frozenset(["老婆", "媳妇", "爱人", "太太", "妻子"]), frozenset(["老公", "丈夫", "爱人", "当家的"]))
_NOBODY = frozenset({"双方"})
"""Words with a surname's character that the tagger may take for a name. In train 双方 stands in 22 texts and is never labelled."""
_SPOUSE = frozenset().union(*_SPOUSES)


def same_person(a: str, b: str) -> bool:
    """Whether two mentions of one note are one person: equal, one inside the other, 龚总 and 总经理龚怡, 程科长 and 技术科长程芳, or 赵经理 and 老赵 by surname."""
    if a == b or (min(len(a), len(b)) >= 2 and (a in b or b in a)):
        return True
    if any(a in words and b in words for words in _SPOUSES):
        return True
    if set(a).isdisjoint(b):
        return False  # what follows asks for a surname in common
    if _short_for(a, b) or _short_for(b, a):
        return True
    (x, given_x), (y, given_y) = _surname(a), _surname(b)
    if x and x == y and given_x != given_y and (_TITLED.search(a if given_y else b)):
        return True
    if a[0] in "老小" and len(a) == 2 and a[1] not in "板总":
        return len(b) >= 2 and b[0] == a[1]
    return b[0] in "老小" and len(b) == 2 and b[1] not in "板总" and len(a) >= 2 and a[0] == b[1]


def mentioned(candidates: Sequence[Candidate]) -> list[int]:
    """Where the candidates' mentions begin, in order."""
    return sorted(s for c in candidates for s, _ in c.places)


def without(candidate: Candidate, places: Sequence[int]) -> list[int]:
    """The places that are none of this candidate's."""
    own = {s for s, _ in candidate.places}
    return [place for place in places if place not in own]


def told_to_decide(doc: Doc, candidate: Candidate, places: Sequence[int], starts: Sequence[int]) -> str:
    """Whether the clauses about a person, up to the next person's, say that he decides himself or must ask: `self`, `asks`, `both` or nothing.

    `places`: where anybody is mentioned; `starts`: where the clauses begin.
    """
    clauses, contexts = doc._.clauses, doc._.contexts
    others = without(candidate, places)
    groups: set[str] = set()
    for start, _ in candidate.places:
        at = max(0, bisect_right(starts, start) - 1)
        following = bisect_right(others, start)
        end = others[following] if following < len(others) else len(doc._.text)
        for clause, context in zip(clauses[at : at + 3], contexts[at : at + 3], strict=True):
            if clause.start < end:
                groups |= {g for h in context.hits if h.start < end and h.start not in context.negated for g in h.groups}
    if {"decides_self", "authority"} <= groups:
        return "both"
    return "self" if "decides_self" in groups else "asks" if "authority" in groups else ""
