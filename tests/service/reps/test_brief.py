"""The brief: visits made by hand in, lines with quotes and days out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.analysis import Analysis, Dated, Dimension, Gap, Kp, Objection, Person, Place, Price, PriceMention, Question, Sentence
from service.reps.brief import make_brief
from service.reps.course import missing_most, open_by_customer, score_line
from service.reps.visits import LONGEST_QUOTE, Visit, shortened

TODAY = date(2026, 11, 24)


@pytest.fixture
def plain(analyze) -> Analysis:
    """An analysis without findings, to be given some."""
    found = analyze("今天路过，放了资料")
    nothing = Price(None, None, None, "CNY", None, (), ())
    dimensions = tuple(replace(d, level=0, evidence=()) for d in found.quality.dimensions)
    return replace(
        found, people=(), kp=Kp("unclear", None, ()), objections=(), price=nothing, competitors=(), next_step=None, funds_date=None, questions=(),
        quality=replace(found.quality, dimensions=dimensions), sentences=(),
    )  # fmt: skip


def place(text: str, words: str) -> tuple[int, int]:
    start = text.index(words)
    return start, start + len(words)


class Made:
    """Visits of one customer, a day each, with just what a test says."""

    def __init__(self, plain: Analysis) -> None:
        self.plain, self.visits = plain, []

    def add(self, day: int, text: str, **parts) -> None:
        a = replace(self.plain, sentences=(Sentence(0, len(text), "event"),))
        if people := parts.get("people"):
            a = replace(a, people=tuple(Person(w, *place(text, w), None, role, met, 0.99, False, ()) for w, role, met in people))
        if objections := parts.get("objections"):
            a = replace(a, objections=tuple(Objection(t, s, w, *place(text, w), 0.9, False) for t, s, w in objections))
        if gap := parts.get("gap"):
            words, ours, theirs = gap
            mentions = (PriceMention(words, *place(text, words), "ours", ours),)
            a = replace(a, price=Price(ours, theirs, None, "CNY", None, (Gap("competitor", ours - theirs, None, False),), mentions))
        if step := parts.get("step"):
            a = replace(a, next_step=Dated(step[0], *place(text, step[0]), step[1], step[2]))
        if asked := parts.get("asked"):
            a = replace(a, questions=tuple(Question(i, i + "？", "", ()) for i in asked))
        if levels := parts.get("levels"):
            made = tuple(replace(d, level=levels.get(d.id, 0), evidence=(Place(0, 1),)) for d in a.quality.dimensions)
            a = replace(a, quality=replace(a.quality, dimensions=made, score=parts.get("score", 0)))
        if kp := parts.get("kp"):
            a = replace(a, kp=Kp(kp, None, ()))
        self.visits.append(Visit(f"nt_{len(self.visits)}", date(2026, 11, day), "陈立", "恒达", text, a))

    def brief(self):
        return make_brief("恒达", self.visits, TODAY)


@pytest.fixture
def made(plain: Analysis) -> Made:
    return Made(plain)


def test_a_first_kp_nobody_met_is_unproven_since_he_was_first_named(made: Made) -> None:
    made.add(1, "李经理说要问王总", people=[("王总", "first_kp", False), ("李经理", "influencer", True)])
    made.add(9, "王总又出差了", people=[("王总", "first_kp", False)])
    (decider,) = made.brief().deciders
    assert (decider.name, decider.since, decider.met) == ("王总", date(2026, 11, 1), None)
    assert (decider.named.quote, decider.named.visited_at) == ("李经理说要问王总", date(2026, 11, 1))
    made.add(12, "见到王总", people=[("王总", "first_kp", True)])
    assert made.brief().deciders[0].met.visited_at == date(2026, 11, 12)


def test_contradictions_are_said_with_both_quotes(made: Made) -> None:
    made.add(1, "王总说了算", people=[("王总", "first_kp", True)])
    made.add(5, "王总做不了主", people=[("王总", "influencer", True)])
    made.add(8, "其实是李总拍板", people=[("李总", "first_kp", False)])
    texts = {c.text: (c.earlier.quote, c.later.quote) for c in made.brief().contradictions}
    assert texts == {
        "王总：先说能拍板，后来说只是影响者": ("王总说了算", "王总做不了主"),
        "拍板的人前后说得不一样：先是王总，后来是李总": ("王总说了算", "其实是李总拍板"),
    }


@pytest.mark.parametrize(
    ("one", "other"), [("老板", "王总"), ("王总", "王老板"), ("王总", "王总"), ("老板林国荣", "林国荣"), ("他们老板", "李总")]
)
def test_names_that_may_be_one_mans_contradict_nothing(made: Made, one: str, other: str) -> None:
    made.add(1, f"{one}说了算", people=[(one, "first_kp", True)])
    made.add(5, f"{other}说了算", people=[(other, "first_kp", True)])
    assert made.brief().contradictions == []


def test_objections_stay_open_until_a_later_note_resolves_them(made: Made) -> None:
    made.add(1, "嫌贵，也不急", objections=[("price", "open", "嫌贵"), ("stall", "open", "不急")])
    made.add(5, "还是说贵了三万", objections=[("price", "open", "贵了三万")])
    made.add(9, "这回不说不急了", objections=[("stall", "resolved", "不说不急了")])
    brief = made.brief()
    assert [(o.type, o.since.day, o.last.quote) for o in brief.open_objections] == [("price", 1, "贵了三万")]
    assert [(o.type, o.raised.quote, o.resolved.quote) for o in brief.resolved_objections] == [("stall", "不急", "不说不急了")]


def test_the_price_gaps_course_the_newest_first(made: Made) -> None:
    made.add(1, "我们报12万，对手9万", gap=("12万", 120_000, 90_000))
    made.add(3, "没谈价")
    made.add(9, "降到10万，对手还是9万", gap=("10万", 100_000, 90_000))
    assert [(p.gap, p.evidence.visited_at.day) for p in made.brief().prices] == [(10_000, 9), (30_000, 1)]


@pytest.mark.parametrize(("due", "overdue"), [(date(2026, 11, 23), True), (TODAY, False), (date(2026, 12, 1), False), (None, None)])
def test_what_the_last_note_promised(made: Made, due: date | None, overdue: bool | None) -> None:
    made.add(1, "下周三送样", step=("下周三送样", "下周三", date(2026, 11, 4)))
    made.add(9, "带案例去见王总", step=("带案例去见王总", None, due))
    promise = made.brief().promise
    assert (promise.evidence.quote, promise.due, promise.overdue) == ("带案例去见王总", due, overdue)
    made.add(10, "没写下一步")
    assert made.brief().promise is None


def test_a_question_stays_until_a_later_note_answers_it(made: Made) -> None:
    made.add(1, "甲", asked=["compare_competitor", "reach_first_kp"])
    made.add(5, "乙", asked=["real_need"])
    assert {q.id for q in made.brief().questions} == {"compare_competitor", "reach_first_kp", "real_need"}
    made.add(9, "丙", levels={"competition": 2, "need": 1}, kp="met_first_kp")
    assert [(q.id, q.evidence.visited_at.day) for q in made.brief().questions] == [("real_need", 5)]


def test_the_course_of_a_rep(made: Made) -> None:
    for day in (2, 4, 6):
        made.add(day, "嫌贵", objections=[("price", "open", "嫌贵")], levels={"kp": 2, "need": 1}, score=day * 10)
    line = score_line(made.visits)
    assert [p.score for p in line.points] == [20, 40, 60]
    assert line.points[0].x < line.points[1].x < line.points[2].x
    assert line.points[0].y > line.points[2].y
    assert score_line(made.visits[:1]) is None
    missing = missing_most(made.visits)
    assert len(missing) == 3
    assert "kp" not in {m.id for m in missing}
    assert all(m.notes == 3 and m.share == 1 for m in missing)
    assert [(c, [o.type for o in os]) for c, os in open_by_customer(made.visits, TODAY)] == [("恒达", ["price"])]


def test_a_quote_is_one_short_line() -> None:
    assert shortened("甲\n乙\t丙") == "甲 乙 丙"
    assert len(shortened("长" * 10_000)) == LONGEST_QUOTE


def test_every_dimension_is_of_the_rubric(plain: Analysis) -> None:
    from service.reps.brief import ANSWERED_BY

    assert set(ANSWERED_BY.values()) <= {d.id for d in plain.quality.dimensions if isinstance(d, Dimension)}
