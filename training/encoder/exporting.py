"""A fitted encoder as models/encoder.py reads it: its layers as an ONNX model with matrices in 8 bits, positions and heads as arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from training.encoder.examples import Window
from training.encoder.network import Network

READ = 300
"""Windows on which the spread of every matrix's inputs is seen."""
APART = 8
"""Channels of those inputs that are read apart, in 32 bits."""


class Split(nn.Module):  # type: ignore[misc]
    """A linear layer that reads its APART largest channels apart from the rest: one channel of BERT's is a hundred times as large as the others at the
    window's ends, and 8 bits for all of them together would leave next to nothing for the others (LLM.int8(), Dettmers et al. 2022)."""

    def __init__(self, linear: nn.Linear, highest: Tensor) -> None:
        super().__init__()
        self.apart = highest.topk(APART).indices
        kept = torch.ones_like(highest)
        kept[self.apart] = 0
        self.kept = nn.Parameter(kept)
        self.weight = nn.Parameter(linear.weight.T[self.apart].contiguous())
        self.rest = linear

    def forward(self, x: Tensor) -> Tensor:
        """As of the linear layer."""
        out: Tensor = self.rest(x * self.kept) + x[..., self.apart] @ self.weight
        return out


def split(network: Network, windows: Sequence[Window]) -> None:
    """Put Split in the place of every linear layer of the encoder's, by what it reads in some windows."""
    linear = [(layer, name) for layer in network.layers for name in ("qkv", "attended", "inner", "outer")]
    highest: dict[int, Tensor] = {}
    hooks = []
    for number, (layer, name) in enumerate(linear):

        def see(_: nn.Module, given: tuple[Tensor], number: int = number) -> None:
            own = given[0].abs().reshape(-1, given[0].shape[-1]).amax(0)
            highest[number] = torch.maximum(highest.get(number, own), own)

        hooks.append(getattr(layer, name).register_forward_pre_hook(see))
    with torch.no_grad():
        for window in windows[:: max(1, len(windows) // READ)]:
            network.encode(torch.tensor([window.ids]))
        for hook in hooks:
            hook.remove()
        for number, (layer, name) in enumerate(linear):
            setattr(layer, name, Split(getattr(layer, name), highest[number]))


class Graph(nn.Module):  # type: ignore[misc]
    """The part that is exported: embeddings with their positions [pieces, width] → vectors [pieces, width] of one window."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Vectors of the window's pieces."""
        x = self.network.norm(x)[None]
        for layer in self.network.layers:
            x = layer(x, torch.zeros(1, 1, 1, 1))
        return x[0]


def export(network: Network, folder: Path, name: str, windows: Sequence[Window]) -> None:
    """Write NAME.onnx and NAME.npz. 7 bits of 8 are used: no processor's 8-bit instructions overflow then, and all give the same answer."""
    network.eval()
    split(network, windows)
    with tempfile.TemporaryDirectory() as scratch:
        whole, ready = Path(scratch) / "whole.onnx", Path(scratch) / "ready.onnx"
        names = {"input_names": ["x"], "output_names": ["hidden"], "dynamic_axes": {"x": {0: "pieces"}, "hidden": {0: "pieces"}}}
        some = torch.randn(40, network.norm.weight.numel())
        torch.onnx.export(Graph(network), (some,), str(whole), opset_version=17, dynamo=False, **names)
        quant_pre_process(str(whole), str(ready))
        graph = onnx.load(ready).graph
        small = {tensor.name for tensor in graph.initializer if tensor.dims and tensor.dims[0] == APART}
        apart = [node.name for node in graph.node if not small.isdisjoint(node.input)]
        target = str(folder / f"{name}.onnx")
        quantize_dynamic(str(ready), target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, nodes_to_exclude=apart)
    np.savez(folder / f"{name}.npz", **network.arrays())
