"""Writing a trained model: the pipeline by `nlp.to_disk`, its card with figures on dev and test, and the manifest of checksums.

A version is the day and the first characters of a hash over the model's files, so two different models never share one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from spacy.language import Language

from models.analysis import Analysis, Note
from models.artefacts import CARD_FILE, MANIFEST_FILE, Card, model_files, sha256
from models.pipeline import Analyzer
from training.corpus import LabelledNote, corpus_hash, read_split
from training.fit import SEED
from training.scoring import HEADLINES, score

LIBRARIES = ("jieba", "joblib", "numpy", "python-crfsuite", "rjieba", "scikit-learn", "scipy", "spacy")
_ANALYSIS = TypeAdapter(Analysis)
ANY_DAY = date(2026, 1, 1)
"""No figure depends on the day a note is read."""


def predictions(analyzer: Analyzer, notes: Sequence[LabelledNote]) -> dict[str, dict[str, Any]]:
    """Analyses by note id, as plain JSON objects."""
    return {n["id"]: _ANALYSIS.dump_python(analyzer.analyze(Note(n["text"], n["id"]), ANY_DAY), mode="json") for n in notes}


def calibration_error(pairs: Sequence[tuple[float, bool]], bins: int = 10) -> float | None:
    """Expected calibration error of (probability, was right) pairs: the mean distance of confidence and accuracy over equal-width bins."""
    if not pairs:
        return None
    total = 0.0
    for b in range(bins):
        inside = [(p, right) for p, right in pairs if b / bins < p <= (b + 1) / bins]
        total += abs(sum(p for p, _ in inside) - sum(right for _, right in inside))
    return total / len(pairs)


def figures(analyzer: Analyzer, notes: Sequence[LabelledNote]) -> dict[str, float | None]:
    """The headline figures of an analyzer on labelled notes, 0 to 1."""
    predicted = predictions(analyzer, notes)
    found = score({n["id"]: n for n in notes}, predicted)
    found["kind ECE"] = calibration_error(
        [(p["kind"]["probability"], p["kind"]["label"] == n["kind"]) for n in notes for p in [predicted[n["id"]]]]
    )
    return {name: None if found[name] is None else round(float(found[name] or 0.0), 4) for name in (*HEADLINES, "kind ECE")}


def write_artefacts(nlp: Language, path: Path, counts: dict[str, int]) -> Card:
    """Write the model beside `path` and put it in its place when it is whole; `counts`: how many notes it was trained on. Returns the card."""
    fresh = path.with_name(path.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    nlp.to_disk(fresh / "nlp")
    content = hashlib.sha256("".join(sha256(f) for f in model_files(fresh)).encode()).hexdigest()
    now = datetime.now(UTC)
    metrics: dict[str, dict[str, float | None]] = {}
    libraries = {name: version(name) for name in LIBRARIES}
    card = Card(f"{now:%Y%m%d}-{content[:8]}", now.isoformat(timespec="seconds"), corpus_hash(), counts, SEED, libraries, metrics)
    analyzer = Analyzer(nlp, card)
    for split in ("dev", "test"):
        labelled = read_split(split)
        counts[split], metrics[split] = len(labelled), figures(analyzer, labelled)
    (fresh / CARD_FILE).write_text(json.dumps(asdict(card), ensure_ascii=False, indent=1), "utf-8")
    manifest = {f.relative_to(fresh).as_posix(): sha256(f) for f in model_files(fresh)}
    (fresh / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1), "utf-8")
    old = path.with_name(path.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        os.replace(path, old)
    os.replace(fresh, path)
    shutil.rmtree(old, ignore_errors=True)
    return card
