"""The encoder as torch fits it: the lower layers of multilingual-e5-small (BERT's architecture) and a head for each kind of stretch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.clause_heads import HEADS
from models.encoder import LIMIT, TAGS
from models.people import ROLES
from models.pieces import Pieces
from models.prices import MONEY_ROLES
from training.encoder.examples import KINDS
from training.encoder.published import Published

OUTPUTS = dict(zip(KINDS, (2 + len(ROLES), len(MONEY_ROLES), 1, len(HEADS) + 1), strict=True))
"""Of persons: is one, met, roles. Of amounts: roles. Of names: is a competitor. Of clauses: heads, and whether the objection is resolved."""
PADDING = 1
_UNITS = 256
_DROPOUT = 0.1


class Dropout(nn.Module):  # type: ignore[misc]
    """As torch's, but its random bits are cut out of one pool: drawing them anew takes a twelfth of a batch's time on two cores."""

    _POOL = 1 << 23

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.kept: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """`x` with a share of its numbers 0 and the others larger by as much, while training; else as it is."""
        if not self.training:
            return x
        if self.kept is None:
            self.kept = torch.rand(self._POOL) >= self.share
        begin = random.randrange(self._POOL - x.numel())
        return x * self.kept[begin : begin + x.numel()].view(x.shape) * (1 / (1 - self.share))


class Layer(nn.Module):  # type: ignore[misc]
    """One layer of BERT."""

    def __init__(self, published: Published, number: int) -> None:
        super().__init__()
        width, inner = published.width, published.inner
        self.heads = published.heads
        self.qkv, self.attended = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width, published.epsilon) for _ in range(2))
        self.dropout = Dropout(_DROPOUT)

        def own(name: str) -> Tensor:
            return torch.tensor(published.tensors[f"l{number}.{name}"])

        state = {
            "qkv.weight": torch.cat([own(f"{part}.w") for part in "qkv"]), "qkv.bias": torch.cat([own(f"{part}.b") for part in "qkv"]),
            "attended.weight": own("ao.w"), "attended.bias": own("ao.b"), "inner.weight": own("fi.w"), "inner.bias": own("fi.b"),
            "outer.weight": own("fo.w"), "outer.bias": own("fo.b"), "norms.0.weight": own("aln.w"), "norms.0.bias": own("aln.b"),
            "norms.1.weight": own("oln.w"), "norms.1.bias": own("oln.b"),
        }  # fmt: skip
        self.load_state_dict({name: value.view(self.state_dict()[name].shape) for name, value in state.items()})

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[texts, pieces, width] → the same; `mask`, added to the scores, is 0 or very small where there is nothing to attend to."""
        texts, size, width = x.shape
        q, k, v = self.qkv(x).view(texts, size, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        shares = torch.softmax(q @ k.transpose(2, 3) * (width // self.heads) ** -0.5 + mask, -1).to(v.dtype)
        x = self.norms[0](x + self.attended((shares @ v).transpose(1, 2).reshape(texts, size, width)))
        out: Tensor = self.norms[1](x + self.dropout(self.outer(functional.gelu(self.inner(x)))))
        return out


class Network(nn.Module):  # type: ignore[misc]
    """ids → vectors, tags of pieces, and what stretches are. The pieces' embeddings stay as published."""

    def __init__(self, published: Published, layers: int) -> None:
        super().__init__()
        width = published.width
        every = torch.arange(4 + len(published.pieces)).numpy()
        pieces = Pieces(published.pieces, published.scores, published.codes, published.scales)
        self.embeddings = nn.Embedding.from_pretrained(torch.tensor(pieces.embeddings(every)), freeze=True)
        positions = torch.tensor(published.tensors["emb.pos"]).view(-1, width)[: LIMIT + 2] + torch.tensor(
            published.tensors["emb.type"][:width]
        )
        self.positions = nn.Parameter(positions)
        self.norm = nn.LayerNorm(width, published.epsilon)
        self.norm.load_state_dict(
            {"weight": torch.tensor(published.tensors["emb.ln.w"]), "bias": torch.tensor(published.tensors["emb.ln.b"])}
        )
        self.layers = nn.ModuleList(Layer(published, number) for number in range(layers))
        self.dropout = Dropout(_DROPOUT)
        self.tags = nn.Linear(width, len(TAGS))
        self.heads = nn.ModuleDict({kind: self._head(width, outputs) for kind, outputs in OUTPUTS.items()})

    @staticmethod
    def _head(width: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Dropout(_DROPOUT), nn.Linear(2 * width, _UNITS), nn.GELU(), nn.Dropout(_DROPOUT), nn.Linear(_UNITS, outputs)
        )

    def encode(self, ids: Tensor) -> Tensor:
        """Vectors [texts, pieces, width] of ids [texts, pieces], of which PADDING is none."""
        x = self.dropout(self.norm(self.embeddings(ids) + self.positions[: ids.shape[1]]))
        mask = torch.where((ids != PADDING)[:, None, None, :], 0.0, -1e4).to(x.dtype)
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def scores(self, kind: str, x: Tensor, stretches: Sequence[Sequence[int]]) -> Tensor:
        """[stretches, outputs] from the mean and the maximum of each stretch's rows of `x` [rows, width]."""
        rows = torch.tensor([row for own in stretches for row in own])
        of = torch.tensor([number for number, own in enumerate(stretches) for _ in own])
        sizes = torch.tensor([len(own) for own in stretches], dtype=torch.float32)
        values, width = x[rows], x.shape[1]
        mean = torch.zeros(len(stretches), width).index_add_(0, of, values) / sizes[:, None]
        highest = torch.full((len(stretches), width), -1e4).scatter_reduce(0, of[:, None].expand(-1, width), values, "amax")
        out: Tensor = self.heads[kind](torch.cat([mean, highest], 1))
        return out

    def arrays(self) -> dict[str, Any]:
        """What models/encoder.py and models/span_heads.py read beside the graph, by name."""
        linear = {"tags": self.tags} | {f"{kind}.{part}": head[at] for kind, head in self.heads.items() for part, at in ((1, 1), (2, 4))}
        named = {f"{name}.weight": layer.weight.T for name, layer in linear.items()} | {
            f"{name}.bias": layer.bias for name, layer in linear.items()
        }
        return {name: value.detach().float().contiguous().numpy() for name, value in {"positions": self.positions, **named}.items()}
