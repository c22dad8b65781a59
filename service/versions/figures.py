"""Both models on labelled notes: training.compare, run as a program of its own, so that the service never holds what trains."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ValidationError

PROGRAM = "training.compare"
ROOT = Path(__file__).resolve().parents[2]


class Side(BaseModel):
    """One figure of both models, 0 to 1, and the middle 95 % of the difference."""

    figure: str
    base: float | None
    candidate: float | None
    low: float | None
    high: float | None
    verdict: str


class ReadOtherwise(BaseModel):
    """A labelled note that the candidate reads otherwise than the base."""

    id: str
    writer: str
    kind: str
    base_kind: str
    candidate_kind: str
    score: float
    base_score: float
    candidate_score: float


class LabelledSet(BaseModel):
    """Both models on one set of labelled notes."""

    name: str
    notes: int
    sides: list[Side]
    read_otherwise: list[ReadOtherwise]


class Figures(BaseModel):
    """What training.compare prints as JSON."""

    base: str
    candidate: str
    comparisons: list[LabelledSet]


class FiguresError(Exception):
    """The program did not do it; the message is what it said (names of files and lines, never a word of a note)."""


def installed() -> bool:
    """Whether corpus and training are on this machine; an image that only serves has neither."""
    return find_spec("training") is not None and (ROOT / "corpora" / "test").is_dir()


def figures(base: Path, candidate: Path, corrections: Sequence[Path], resamples: int) -> Figures:
    """Both models on the corpus's test split and on held-out corrections. Raises FiguresError."""
    command = [sys.executable, "-m", PROGRAM, str(base.resolve()), str(candidate.resolve()), "--json", "--resamples", str(resamples)]
    for path in corrections:
        command += ["--corrections", str(path.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 (our own program, an operator's paths)
    if done.returncode == 0:
        try:
            return Figures.model_validate_json(done.stdout)
        except ValidationError:
            raise FiguresError(f"{PROGRAM} answered in a form that is not known") from None
    # what it says where it fails in an expected way is made for people; a traceback might hold anything
    raise FiguresError(done.stderr.strip() if done.returncode == 1 and "Traceback" not in done.stderr else f"{PROGRAM} failed")
