"""Model versions made of the trained one in a moment: the same files under another name, or with a judge that thinks better of everything."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib

from models.artefacts import CARD_FILE, MANIFEST_FILE, code_hash, model_files, sha256
from models.pipeline import TRAINED


def make_model(folder: Path, version: str, kinder: float = 0.0, **card: Any) -> Path:
    """A whole model in `folder` whose judge's answers are shifted by `kinder` log-odds; `card` changes its card."""
    shutil.copytree(TRAINED, folder)
    told = json.loads((folder / CARD_FILE).read_text("utf-8"))
    (folder / CARD_FILE).write_text(json.dumps({**told, "version": version, "code": code_hash(), **card}), "utf-8")
    if kinder:
        file = folder / "nlp" / "judge" / "judge.joblib"
        network = joblib.load(file)
        joblib.dump(replace(network, out_bias=network.out_bias + kinder), file)
    seal(folder)
    return folder


def seal(folder: Path) -> None:
    """Write the manifest anew."""
    manifest = {f.relative_to(folder).as_posix(): sha256(f) for f in model_files(folder)}
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest), "utf-8")
