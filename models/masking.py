"""The note with its names as one sign, so that what a person or a brand is called moves no finding."""

from __future__ import annotations

from spacy.tokens import Doc

SIGN = "某"


def masked(doc: Doc) -> tuple[str, list[str]]:
    """(text, words) of the same lengths, each character of a name as SIGN: 王总 → 某总, 老周 → 老某, 用友 → 某某; titles alone (老板) stay. Needs: names, people."""
    found = doc._
    text, words = found.text, found.words
    stretches = [(n.start, n.end) for n in found.names if n.label == "CMP"]
    for person in found.people:
        for start, end in person.places:
            mention = text[start:end]
            named = end - len(person.title) if person.title and mention.endswith(person.title) else end
            stretches.append((start + (mention[0] in "老小阿大"), named))
    characters = list(text)
    for start, end in stretches:
        characters[start:end] = SIGN * max(0, end - start)
    hidden = "".join(characters)
    if hidden == text:
        return text, words
    return hidden, [hidden[start : start + len(word)] for start, word in zip(found.starts, words, strict=True)]
