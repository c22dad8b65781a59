#!/usr/bin/env python3
"""Expand drafted notes (corpora/WRITING.md) to the form of labels.md, check them, append them to a writer's file."""
import argparse
import collections
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "corpora"
sys.path.insert(0, str(ROOT.parent.parent / "shared/eval"))
from validate import faults  # noqa: E402

DIMS = ["kp", "need", "recognition", "objection", "figures", "competition", "close_attempt", "diagnosis", "reflection", "next_step"]
KNOWN = {"style", "industry", "text", "kind", "out", "people", "kp", "obj", "ours", "competitor", "customer", "currency", "gaps", "comp", "class", "next", "funds", "rub", "ask", "tags", "pair", "ev"}


def kp_status(people, given):
    met = [p for p in people if p["met"]]
    roles = {p["decision_role"] for p in met}
    if not people:
        if given not in ("met_nobody", "unclear", "met_other_only"):
            raise ValueError("no people: give kp as met_nobody, unclear or met_other_only")
        return given
    if "first_kp" in roles:
        return "met_first_kp"
    if "influencer" in roles:
        return "met_other_only"
    if "unknown" in roles:
        return "met_other_only" if any(p["decision_role"] == "first_kp" for p in people) else (given or "unclear")
    return given if given in ("unclear", "met_other_only") else "met_nobody"


def expand(d, ident, writer):
    extra = set(d) - KNOWN
    if extra:
        raise ValueError(f"unknown keys {sorted(extra)}")
    people = []
    for p in d.get("people", []):
        m, r, met = p.rsplit("|", 2)
        if met not in ("met", "no"):
            raise ValueError(f"person {p!r}: third part is met or no")
        people.append({"mention": m, "decision_role": r, "met": met == "met"})
    objs = []
    for o in d.get("obj", []):
        t, s, q = o.split("|", 2)
        objs.append({"type": t, "status": s, "quote": q})
    num = lambda x: None if x in ("", "null", "None") else (int(float(x)) if float(x) == int(float(x)) else float(x))
    gaps = []
    for g in d.get("gaps", []):
        a, amt, pct = (g.split("|") + ["", ""])[:3]
        gaps.append({"against": a, "amount": [num(x) for x in amt.split("~")] if "~" in amt else num(amt), "percent": num(pct)})
    price = {"ours": d.get("ours"), "competitor": d.get("competitor"), "customer": d.get("customer"), "gaps": gaps}
    if d.get("currency"):
        price["currency"] = d["currency"]
    nxt = None
    if d.get("next"):
        q, _, w = d["next"].partition("|")
        nxt = {"quote": q, "when": w or None}
    if not re.fullmatch("[012]{10}", d.get("rub", "")):
        raise ValueError(f"rub {d.get('rub')!r}: ten digits 0-2")
    n = {"id": ident, "writer": writer, "industry": d["industry"], "style": d["style"], "text": d["text"],
         "kind": {"d": "diagnostic", "f": "flow_of_events"}[d["kind"]],
         "outcome": {"s": "signed", "n": "not_signed", "u": "unclear"}[d["out"]],
         "people": people, "kp_status": kp_status(people, d.get("kp")), "objections": objs, "price": price,
         "competitors": d.get("comp", []), "customer_class": d.get("class"), "next_step": nxt, "funds_date": d.get("funds"),
         "rubric": dict(zip(DIMS, map(int, d["rub"]))), "must_ask": d["ask"], "tags": d.get("tags", [])}
    if "ev" in d:
        n["evidence"] = evidence(d["ev"], d["text"], n["rubric"])
    if d.get("pair"):
        n["pair"] = f"{writer}-{d['pair']}"
    return n


EVIDENCED = ("need", "recognition", "competition", "close_attempt", "diagnosis", "reflection")


def evidence(items, text, rubric):
    """["need|quote", ...] -> {dimension: [quotes]}; every level above 0 of an EVIDENCED dimension has a quote, level 0 none."""
    out = {}
    for item in items:
        d, _, q = item.partition("|")
        if d not in EVIDENCED:
            raise ValueError(f"evidence for {d!r}: one of {EVIDENCED}")
        if not q or q not in text:
            raise ValueError(f"evidence quote {q!r} not in the text")
        out.setdefault(d, []).append(q)
    for d in EVIDENCED:
        if bool(rubric[d]) != (d in out):
            raise ValueError(f"rubric {d} is {rubric[d]} but evidence is {out.get(d)}")
    return out


def add_evidence(path, draft):
    """Merge {"id", "ev"} lines into a writer's file; nothing is written if any line has a fault."""
    notes = {n["id"]: n for n in map(json.loads, path.read_text("utf-8").splitlines())}
    bad = 0
    for i, line in enumerate(pathlib.Path(draft).read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            d = json.loads(line)
            n = notes[d["id"]]
            n["evidence"] = evidence(d["ev"], n["text"], n["rubric"])
        except (ValueError, KeyError) as e:
            print(f"{draft}:{i}: {type(e).__name__}: {e}")
            bad += 1
    missing = [k for k, n in notes.items() if "evidence" not in n]
    print(f"{bad} faulty lines; without evidence: {missing}")
    if bad:
        sys.exit(1)
    path.write_text("".join(json.dumps(n, ensure_ascii=False) + "\n" for n in notes.values()), "utf-8")


def sentences(t):
    return {s for s in re.split(r"[，。！？；、,.!?;:：\s|…~]+", t) if len(s) >= 8}


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("writer")
    a.add_argument("split", choices=["train", "dev", "test"])
    a.add_argument("draft", nargs="?")
    a.add_argument("--stats", action="store_true")
    a.add_argument("--evidence", action="store_true", help="the draft holds {id, ev} lines for notes already in the corpus")
    o = a.parse_args()
    out = ROOT / o.split / f"{o.writer}.jsonl"
    if o.evidence:
        add_evidence(out, o.draft)
        return
    have = [json.loads(x) for x in out.read_text("utf-8").splitlines()] if out.exists() else []
    bad = 0
    if o.draft:
        others = collections.defaultdict(list)
        for f in ROOT.glob("*/*.jsonl"):
            for x in f.read_text("utf-8").splitlines():
                m = json.loads(x)
                for s in sentences(m["text"]):
                    others[s].append((m["id"], m.get("pair")))
        new = []
        for i, line in enumerate(pathlib.Path(o.draft).read_text("utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                n = expand(json.loads(line), f"{o.writer}-{len(have) + len(new) + 1:03d}", o.writer)
                found = list(faults(n))
                for s in sentences(n["text"]):
                    for j, p in others[s]:
                        if not (p and p == n.get("pair")):
                            found.append(f"shares {s!r} with {j}")
                    others[s].append((n["id"], n.get("pair")))
            except (ValueError, KeyError, TypeError, AttributeError) as e:
                found, n = [f"{type(e).__name__}: {e}"], None
            for x in found:
                print(f"{o.draft}:{i}: {x}")
            bad += bool(found)
            new.append(n)
        if bad:
            print(f"{bad} faulty lines of {len(new)}: nothing appended")
            sys.exit(1)
        with open(out, "a", encoding="utf-8") as f:
            for n in new:
                f.write(json.dumps(n, ensure_ascii=False) + "\n")
        have += new
        print(f"{len(new)} appended, {len(have)} in {out}")
    if o.stats and have:
        c = collections.Counter
        L = [len(n["text"]) for n in have]
        k = len(have)
        print("lengths ≤8/8-30/30-100/100-250/>250:", [sum(lo < x <= hi for x in L) for lo, hi in ((0, 8), (8, 30), (30, 100), (100, 250), (250, 9999))])
        print("kind", dict(c(n["kind"] for n in have)), "outcome", dict(c(n["outcome"] for n in have)), "kp", dict(c(n["kp_status"] for n in have)))
        print("objections", dict(c((x["type"], x["status"]) for n in have for x in n["objections"])))
        print("notes with price", sum(any(n["price"][s] is not None for s in ("ours", "competitor", "customer")) or bool(n["price"]["gaps"]) for n in have), "class", sum(bool(n["customer_class"]) for n in have),
              "next", sum(bool(n["next_step"]) for n in have), "funds", sum(bool(n["funds_date"]) for n in have), "comp", sum(bool(n["competitors"]) for n in have), "of", k)
        print("tags", dict(c(t for n in have for t in n["tags"])))


if __name__ == "__main__":
    main()
