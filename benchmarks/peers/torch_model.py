"""The pre-LN transformer in torch, and a work's model in torch with the same weights."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.peers.torch_bert import Bert
from benchmarks.work import Shape, Work

_HEADS = 4
#: Of Keras' LayerNormalization.
_EPSILON = 1e-3


class Block(nn.Module):
    """Attention and two dense layers, normalized before each."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.wide, self.narrow = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.first, self.second = (nn.LayerNorm(dim, eps=_EPSILON) for _ in range(2))

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Hidden states (batch, tokens, dim), and their mask (batch, tokens)."""
        normed = self.first(hidden)
        query, key, value = (
            layer(normed).unflatten(-1, (_HEADS, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        attended = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask[:, None, None, :]
        )
        hidden = hidden + self.out(attended.transpose(1, 2).flatten(2))
        return hidden + self.narrow(functional.gelu(self.wide(self.second(hidden))))


class Transformer(nn.Module):
    """Learned positions, blocks, and the mean over real tokens."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed = nn.Embedding(shape.vocabulary, shape.dim)
        self.positions = nn.Embedding(shape.tokens, shape.dim)
        self.stack = nn.ModuleList(Block(shape.dim) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.dim, eps=_EPSILON)
        self.head = nn.Linear(shape.dim, shape.classes)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Ids, and true for real tokens, both (batch, tokens), to logits (batch, classes)."""
        hidden = self.embed(ids) + self.positions.weight[: ids.shape[1]]
        for block in self.stack:
            hidden = block(hidden, mask)
        real = mask[:, :, None].to(hidden.dtype)
        pooled = (self.last(hidden) * real).sum(1) / real.sum(1).clamp(min=1.0)
        return self.head(pooled)

    def in_order_of_keras(self) -> Iterator[nn.Module]:
        """The parts that have weights, in the order of the Keras model's."""
        yield from (self.embed, self.head, self.positions)
        for block in self.stack:
            yield from (block.query, block.key, block.value, block.out, block.wide, block.narrow)
            yield from (block.first, block.second)
        yield self.last


#: The kinds of models that have been written in torch.
_KINDS: dict[str, Any] = {"pre_ln": Transformer, "minilm": Bert}


def build(work: Work) -> Any:
    """The work's model, with its weights, ready for inference.

    Raises:
        ValueError: if its kind has not been written in torch.
    """
    shape = work.shape
    if shape.kind not in _KINDS:
        raise ValueError(f"Only {list(_KINDS)} are written in torch. Received: {shape.kind!r}")
    model = _KINDS[shape.kind](shape)
    given = (torch.from_numpy(array) for array in work.weights)
    with torch.no_grad():
        for part in model.in_order_of_keras():
            array = next(given)
            # Keras has kernels as (in, out), with the heads apart; a torch Linear is (out, in).
            if isinstance(part, nn.Linear):
                rows, columns = part.in_features, part.out_features
                part.weight.copy_(array.reshape(rows, columns).T)
                part.bias.copy_(next(given).reshape(columns))
            elif isinstance(part, nn.LayerNorm):
                part.weight.copy_(array)
                part.bias.copy_(next(given))
            else:
                part.weight.copy_(array)
    if next(given, None) is not None:
        raise ValueError("The Keras model has more weights than the one in torch.")
    return model.eval().requires_grad_(False)


def largest_difference(model: nn.Module, work: Work) -> float:
    """Between its logits and those of the Keras model."""
    with torch.no_grad():
        logits = model(torch.from_numpy(work.ids).long(), torch.from_numpy(work.mask))
    difference = float((logits - torch.from_numpy(work.logits)).abs().max())
    return difference if math.isfinite(difference) else math.inf
