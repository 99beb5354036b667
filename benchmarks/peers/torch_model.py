"""The pre-LN transformer of `models.py` in torch, with the same weights."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.work import Work

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

    def __init__(self, vocabulary: int, tokens: int, dim: int, layers: int, classes: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, dim)
        self.positions = nn.Embedding(tokens, dim)
        self.stack = nn.ModuleList(Block(dim) for _ in range(layers))
        self.last = nn.LayerNorm(dim, eps=_EPSILON)
        self.head = nn.Linear(dim, classes)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Ids, and true for real tokens, both (batch, tokens), to logits (batch, classes)."""
        hidden = self.embed(ids) + self.positions.weight[: ids.shape[1]]
        for block in self.stack:
            hidden = block(hidden, mask)
        real = mask[:, :, None].to(hidden.dtype)
        pooled = (self.last(hidden) * real).sum(1) / real.sum(1).clamp(min=1.0)
        return self.head(pooled)


def build(work: Work) -> Transformer:
    """The work's model, with its weights, ready for inference.

    Raises:
        ValueError: if it is not a pre-LN transformer.
    """
    shape = work.shape
    if shape.kind != "pre_ln":
        raise ValueError(f"Only 'pre_ln' has been written in torch. Received: {shape.kind!r}")
    model = Transformer(shape.vocabulary, shape.tokens, shape.dim, shape.layers, shape.classes)
    given = (torch.from_numpy(array) for array in work.weights)
    with torch.no_grad():
        for parameter in _in_order_of_keras(model):
            array = next(given)
            # Keras has kernels as (in, out), with the heads apart; a torch Linear is (out, in).
            if isinstance(parameter, nn.Linear):
                rows, columns = parameter.in_features, parameter.out_features
                parameter.weight.copy_(array.reshape(rows, columns).T)
                parameter.bias.copy_(next(given).reshape(columns))
            elif isinstance(parameter, nn.LayerNorm):
                parameter.weight.copy_(array)
                parameter.bias.copy_(next(given))
            else:
                parameter.weight.copy_(array)
    if next(given, None) is not None:
        raise ValueError("The Keras model has more weights than the one in torch.")
    return model.eval().requires_grad_(False)


def _in_order_of_keras(model: Transformer) -> Iterator[Any]:
    yield from (model.embed, model.head, model.positions)
    for block in model.stack:
        yield from (block.query, block.key, block.value, block.out, block.wide, block.narrow)
        yield from (block.first, block.second)
    yield model.last


def largest_difference(model: Transformer, work: Work) -> float:
    """Between its logits and those of the Keras model."""
    with torch.no_grad():
        logits = model(torch.from_numpy(work.ids).long(), torch.from_numpy(work.mask))
    difference = float((logits - torch.from_numpy(work.logits)).abs().max())
    return difference if math.isfinite(difference) else math.inf
