"""The figures of shared/eval/score.py, so that a model card can be written where shared/ is not at hand.

Kept equal to it by a test (tests/training/test_scoring.py) wherever shared/ stands beside the checkout.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.labels import WEIGHTS
from models.quotes import touches

Label = dict[str, Any]
Kappas = list[tuple[int, int]]


def total(rubric: Mapping[str, int] | None) -> float:
    """Quality score 0..100 of rubric levels."""
    return sum(w * (rubric or {}).get(d, 0) / 2 for d, w in WEIGHTS.items())


def as_label(p: Label | None) -> Label:
    """Bring an analysis into the form of a label; a label passes through."""
    if not p:
        return {}
    out = dict(p)
    if isinstance(p.get("kind"), dict):
        out["kind"] = p["kind"].get("label")
    if isinstance(p.get("outcome"), dict):
        out["outcome"] = p["outcome"].get("label")
    if isinstance(p.get("kp"), dict):
        out["kp_status"] = p["kp"].get("status")
    out["competitors"] = [c if isinstance(c, str) else c.get("mention") for c in p.get("competitors") or []]
    if isinstance(p.get("customer_class"), dict):
        out["customer_class"] = p["customer_class"].get("label")
    if isinstance(p.get("funds_date"), dict):
        out["funds_date"] = p["funds_date"].get("quote") or p["funds_date"].get("when")
    if isinstance(p.get("quality"), dict):
        out["rubric"] = {d["id"]: d["level"] for d in p["quality"].get("dimensions", [])}
        out["score"] = p["quality"].get("score")
    if "questions" in p:
        out["must_ask"] = [q["id"] for q in p["questions"] or []]
    return out


class Counts:
    """Micro precision, recall and F1."""

    def __init__(self) -> None:
        self.tp = self.fp = self.fn = 0

    def add(self, tp: int, fp: int, fn: int) -> None:
        self.tp += tp
        self.fp += fp
        self.fn += fn

    @property
    def f1(self) -> float | None:
        d = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / d if d else None


class Rate:
    """A share of hits."""

    def __init__(self) -> None:
        self.hit = 0.0
        self.n = 0

    def add(self, ok: bool | int, n: int = 1) -> None:
        self.hit += float(ok)
        self.n += n

    @property
    def f1(self) -> float | None:
        return self.hit / self.n if self.n else None


def same_person(a: str, b: str) -> bool:
    """Equal, or one inside the other, spaces apart."""
    a, b = a.replace(" ", ""), b.replace(" ", "")
    return a == b or (min(len(a), len(b)) >= 2 and (a in b or b in a))


def pair(gold: Sequence[Any], pred: Sequence[Any], same: Callable[[Any, Any], bool]) -> list[tuple[Any, Any]]:
    """Greedy one-to-one pairs (gold, pred), exact matches first."""
    left: list[Any] = list(pred)
    pairs: list[tuple[Any, Any]] = []
    for exact in (True, False):
        for g in list(gold):
            if any(g is x for x, _ in pairs):
                continue
            for p in left:
                if g == p if exact else same(g, p):
                    pairs.append((g, p))
                    left.remove(p)
                    break
    return pairs


def same_amount(a: Any, b: Any) -> bool:
    """Numbers within 1 %, ranges with both ends so; a number falls on a range whose middle or end it is within 5 %."""
    if a is None or b is None:
        return a is b
    la, lb = isinstance(a, list), isinstance(b, list)

    def near(x: float | None, y: float | None, t: float) -> bool:
        return (x is None and y is None) or (x is not None and y is not None and abs(x - y) <= t * max(abs(x), abs(y), 1e-9))

    if la and lb:
        return all(near(x, y, 0.01) for x, y in zip(a, b, strict=True))
    if la != lb:
        r, v = (a, b) if la else (b, a)
        ends = [x for x in r if x is not None]
        marks = ends + ([sum(ends) / 2] if len(ends) == 2 else [])
        return any(near(v, m, 0.05) for m in marks)
    return near(a, b, 0.01)


def kappa(pairs: Kappas, k: int) -> float | None:
    """Quadratic weighted kappa of (gold, predicted) integer pairs in 0..k-1."""
    n = len(pairs)
    if not n:
        return None
    o = [[0] * k for _ in range(k)]
    for g, p in pairs:
        o[g][p] += 1
    row = [sum(r) for r in o]
    col = [sum(o[i][j] for i in range(k)) for j in range(k)]
    num = sum((i - j) ** 2 * o[i][j] for i in range(k) for j in range(k))
    den = sum((i - j) ** 2 * row[i] * col[j] / n for i in range(k) for j in range(k))
    return 1 - num / den if den else None


def spearman(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Rank correlation, ties at their middle rank."""

    def ranks(v: Sequence[float]) -> list[float]:
        order = sorted(range(len(v)), key=v.__getitem__)
        r, i = [0.0] * len(v), 0
        while i < len(v):
            j = i
            while j + 1 < len(v) and v[order[j + 1]] == v[order[i]]:
                j += 1
            for t in range(i, j + 1):
                r[order[t]] = (i + j) / 2
            i = j + 1
        return r

    a, b = ranks(xs), ranks(ys)
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    num = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
    den = (sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b)) ** 0.5
    return float(num / den) if den else None


def score(gold: Mapping[str, Label], predicted: Mapping[str, Label]) -> dict[str, float | None]:
    """{figure: value} of labels `gold` against `predicted`, both {id: label}."""
    c: defaultdict[str, Counts] = defaultdict(Counts)
    r: defaultdict[str, Rate] = defaultdict(Rate)
    kinds: list[tuple[str, str | None]] = []
    totals: list[tuple[float, float]] = []
    levels: defaultdict[str, Kappas] = defaultdict(list)
    for i, g in gold.items():
        p = as_label(predicted.get(i))
        r["kind accuracy"].add(p.get("kind") == g["kind"])
        kinds.append((g["kind"], p.get("kind")))
        r["outcome accuracy"].add(p.get("outcome") == g["outcome"])
        r["kp_status accuracy"].add(p.get("kp_status") == g["kp_status"])

        gp, pp = g.get("people") or [], p.get("people") or []
        pairs = pair(gp, pp, lambda a, b: same_person(a["mention"], b["mention"]))
        c["people F1"].add(len(pairs), len(pp) - len(pairs), len(gp) - len(pairs))
        ok = sum(a["decision_role"] == b.get("decision_role") for a, b in pairs)
        c["people+role F1"].add(ok, len(pp) - ok, len(gp) - ok)
        for a, b in pairs:
            r["people met accuracy"].add(a["met"] == b.get("met"))
        gf = [a["mention"] for a in gp if a["decision_role"] == "first_kp"]
        pf = [b["mention"] for b in pp if b.get("decision_role") == "first_kp"]
        ok = len(pair(gf, pf, same_person))
        c["first KP F1"].add(ok, len(pf) - ok, len(gf) - ok)

        go, po = g.get("objections") or [], p.get("objections") or []
        gt, pt = {o["type"] for o in go}, {o["type"] for o in po}
        c["objection type F1"].add(len(gt & pt), len(pt - gt), len(gt - pt))
        gs, ps = {(o["type"], o["status"]) for o in go}, {(o["type"], o.get("status")) for o in po}
        c["objection type+status F1"].add(len(gs & ps), len(ps - gs), len(gs - ps))
        ok = len(pair(go, po, lambda a, b: a["type"] == b["type"] and touches(a["quote"], b.get("quote"))))
        c["objection type+quote F1"].add(ok, len(po) - ok, len(go) - ok)

        gm, pm = g.get("price") or {}, p.get("price") or {}
        for slot in ("ours", "competitor", "customer"):
            a, b = gm.get(slot), pm.get(slot)
            ok = a is not None and same_amount(a, b)
            c["price slots F1"].add(ok, b is not None and not ok, a is not None and not ok)
        gg, pg = gm.get("gaps") or [], pm.get("gaps") or []

        def same_gap(a: Label, b: Label) -> bool:
            if a["against"] != b.get("against"):
                return False
            if a.get("amount") is not None:
                return same_amount(a["amount"], b.get("amount"))
            return b.get("percent") is not None and abs(a["percent"] - b["percent"]) <= 1

        ok = len(pair(gg, pg, same_gap))
        c["price gap F1"].add(ok, len(pg) - ok, len(gg) - ok)

        gc, pc = g.get("competitors") or [], [x for x in p.get("competitors") or [] if x]
        ok = len(pair(gc, pc, lambda a, b: a in b or b in a))
        c["competitors F1"].add(ok, len(pc) - ok, len(gc) - ok)
        gold_class, class_ = g.get("customer_class"), p.get("customer_class")
        c["customer_class F1"].add(
            bool(gold_class) and gold_class == class_, bool(class_) and gold_class != class_, bool(gold_class) and gold_class != class_
        )
        a, b = g.get("funds_date"), p.get("funds_date")
        c["funds_date F1"].add(touches(a, b), bool(b) and not touches(a, b), bool(a) and not touches(a, b))
        a, b = g.get("next_step") or {}, p.get("next_step") or {}
        ok = touches(a.get("quote"), b.get("quote"))
        c["next_step F1"].add(ok, bool(b) and not ok, bool(a) and not ok)
        ok = touches(a.get("when"), b.get("when"))
        c["next_step when F1"].add(ok, bool(b.get("when")) and not ok, bool(a.get("when")) and not ok)

        gr, pr = g["rubric"], p.get("rubric") or {}
        for d in WEIGHTS:
            level = pr.get(d, 0)
            r["rubric level accuracy"].add(gr[d] == level)
            levels[d].append((gr[d], level))
        totals.append((total(gr), p["score"] if p.get("score") is not None else total(pr)))
        want, asked = g.get("must_ask") or [], (p.get("must_ask") or [])[:3]
        if want:
            r["must_ask recall@3"].add(sum(q in asked for q in want), len(want))
            r["must_ask first hit"].add(bool(asked) and asked[0] in want)
    out: dict[str, float | None] = {k: v.f1 for k, v in r.items()} | {k: v.f1 for k, v in c.items()}
    f1s = []
    for label in ("diagnostic", "flow_of_events"):
        tp = sum(a == b == label for a, b in kinds)
        denominator = 2 * tp + sum(a != label and b == label for a, b in kinds) + sum(a == label and b != label for a, b in kinds)
        f1s.append(2 * tp / denominator if denominator else 0.0)
    out["kind macro-F1"] = sum(f1s) / 2
    qwk = [kappa(v, 3) for v in levels.values()]
    out["rubric mean QWK"] = sum(q for q in qwk if q is not None) / max(1, sum(q is not None for q in qwk))
    for dimension, pairs in levels.items():
        out[f"rubric QWK {dimension}"] = kappa(pairs, 3)
    out["score Spearman"] = spearman([a for a, _ in totals], [b for _, b in totals])
    out["score QWK"] = kappa([(min(9, int(a // 10)), max(0, min(9, int(b // 10)))) for a, b in totals], 10)
    out["score MAE"] = sum(abs(a - b) for a, b in totals) / len(totals) / 100
    return out


HEADLINES = [
    "kind macro-F1",
    "people F1",
    "people+role F1",
    "first KP F1",
    "kp_status accuracy",
    "objection type F1",
    "objection type+status F1",
    "objection type+quote F1",
    "price slots F1",
    "price gap F1",
    "competitors F1",
    "customer_class F1",
    "next_step F1",
    "next_step when F1",
    "funds_date F1",
    "outcome accuracy",
    "rubric mean QWK",
    "score Spearman",
    "score QWK",
    "score MAE",
    "must_ask recall@3",
    "must_ask first hit",
]
