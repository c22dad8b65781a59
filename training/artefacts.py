"""Writing a trained model: the pipeline by `nlp.to_disk`, its card with figures on dev and test, and the manifest of checksums.

A version is the day and the first characters of a hash over the model's files, so two different models never share one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from spacy.language import Language

from models.analysis import Analysis, Note
from models.artefacts import CARD_FILE, MANIFEST_FILE, Card, code_hash, model_files, sha256
from models.pipeline import Analyzer
from models.reliability import Reliability
from training.calibration import calibration_error, gathered, review_threshold, shown_pairs
from training.corpus import LabelledNote, corpus_hash, read_split
from training.corrections import Corrections
from training.fit import SEED
from training.scoring import HEADLINES, score

LIBRARIES = ("jieba", "joblib", "numpy", "onnxruntime", "python-crfsuite", "rjieba", "scikit-learn", "scipy", "spacy")
_ANALYSIS = TypeAdapter(Analysis)
ANY_DAY = date(2026, 1, 1)
"""No figure depends on the day a note is read."""


def predictions(analyzer: Analyzer, notes: Sequence[LabelledNote]) -> dict[str, dict[str, Any]]:
    """Analyses by note id, as plain JSON objects."""
    return {n["id"]: _ANALYSIS.dump_python(analyzer.analyze(Note(n["text"], n["id"]), ANY_DAY), mode="json") for n in notes}


def figures(notes: Sequence[LabelledNote], predicted: dict[str, dict[str, Any]]) -> dict[str, float | None]:
    """The headline figures of predictions, 0 to 1, and the calibration error of each field that shows a probability."""
    found = score({n["id"]: n for n in notes}, predicted)
    shown = gathered([shown_pairs(n, predicted[n["id"]]) for n in notes])
    errors = {f"{field} ECE": calibration_error(pairs) for field, pairs in shown.items()}
    return {name: None if v is None else round(float(v), 4) for name, v in (*((h, found[h]) for h in HEADLINES), *errors.items())}


def write_artefacts(
    nlp: Language, path: Path, counts: dict[str, int], calibration: dict[str, tuple[float, float]], corrections: Corrections | None = None
) -> Card:
    """Write the model beside `path` and put it in its place when it is whole; returns the card.

    `counts`: how many notes and snippets it was trained on; `calibration`: of its probabilities (training/calibration.py); `corrections`:
    those it was trained on, whose held-out part it is also measured on.
    """
    fresh = path.with_name(path.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    nlp.to_disk(fresh / "nlp")
    content = hashlib.sha256("".join(sha256(f) for f in model_files(fresh)).encode()).hexdigest()
    now = datetime.now(UTC)
    metrics: dict[str, dict[str, float | None]] = {}
    libraries = {name: version(name) for name in LIBRARIES}
    card = Card(
        f"{now:%Y%m%d}-{content[:8]}",
        now.isoformat(timespec="seconds"),
        corpus_hash(),
        counts,
        SEED,
        libraries,
        metrics,
        Reliability(calibration, {}),
        corrections.told if corrections else None,
        code_hash(),
    )
    dev = read_split("dev")
    shown = gathered([shown_pairs(n, p) for n, p in zip(dev, predictions(Analyzer(nlp, card), dev).values(), strict=True)])
    card = replace(card, reliability=Reliability(calibration, {field: review_threshold(pairs) for field, pairs in shown.items()}))
    analyzer = Analyzer(nlp, card)
    for split in ("dev", "test"):
        labelled = read_split(split)
        counts[split], metrics[split] = len(labelled), figures(labelled, predictions(analyzer, labelled))
    if corrections and corrections.held_out:
        metrics["held-out corrections"] = figures(corrections.held_out, predictions(analyzer, corrections.held_out))
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
