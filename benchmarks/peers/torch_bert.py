"""KerasHub's `BertTextClassifier` in torch: the fine-tuned MiniLM."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from benchmarks.work import Shape

_HEAD_SIZE = 32
_POSITIONS, _SEGMENTS = 512, 2
_EPSILON = 1e-12


class BertBlock(nn.Module):
    """Attention and two dense layers, normalized after each."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.wide, self.narrow = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.first, self.second = (nn.LayerNorm(dim, eps=_EPSILON) for _ in range(2))

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Hidden states (batch, tokens, dim), and their mask (batch, tokens)."""
        query, key, value = (
            layer(hidden).unflatten(-1, (-1, _HEAD_SIZE)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        attended = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask[:, None, None, :]
        )
        hidden = self.first(hidden + self.out(attended.transpose(1, 2).flatten(2)))
        wide = functional.gelu(self.wide(hidden), approximate="tanh")
        return self.second(hidden + self.narrow(wide))


class Bert(nn.Module):
    """Words, positions and one segment; blocks; a dense layer on the first token."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed = nn.Embedding(shape.vocabulary, shape.dim)
        self.positions = nn.Embedding(_POSITIONS, shape.dim)
        self.segments = nn.Embedding(_SEGMENTS, shape.dim)
        self.norm = nn.LayerNorm(shape.dim, eps=_EPSILON)
        self.stack = nn.ModuleList(BertBlock(shape.dim) for _ in range(shape.layers))
        self.pooler = nn.Linear(shape.dim, shape.dim)
        self.head = nn.Linear(shape.dim, shape.classes)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Ids, and true for real tokens, both (batch, tokens), to logits (batch, classes)."""
        beside = self.positions.weight[: ids.shape[1]] + self.segments.weight[0]
        hidden = self.norm(self.embed(ids) + beside)
        for block in self.stack:
            hidden = block(hidden, mask)
        return self.head(torch.tanh(self.pooler(hidden[:, 0])))

    def in_order_of_keras(self) -> Iterator[nn.Module]:
        """The parts that have weights, in the order of the Keras model's."""
        yield from (self.embed, self.positions, self.segments, self.norm)
        for block in self.stack:
            yield from (block.query, block.key, block.value, block.out)
            yield from (block.first, block.second, block.wide, block.narrow)
        yield from (self.pooler, self.head)
