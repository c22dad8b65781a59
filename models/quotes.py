"""When two quotes of one note say the same place: one rule for scores (shared/eval/score.py's), agreement and corrections."""

from __future__ import annotations


def touches(a: str | None, b: str | None) -> bool:
    """Whether one quote holds the other, or they share half of the shorter one in one run; a quote far longer than the other agrees with nothing."""
    if not a or not b:
        return False
    short, longer = sorted((a.strip(), b.strip()), key=len)
    if not short or len(longer) > 3 * len(short) + 6:
        return False
    if short in longer:
        return True
    need = max(2, len(short) // 2)
    return any(short[i : i + need] in longer for i in range(len(short) - need + 1))
