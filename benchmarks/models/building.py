"""Models with random weights, by the name of their kind."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from benchmarks.models import minilm
from benchmarks.models.classifiers import BidirectionalLSTM, ReluCNN, Transformer
from benchmarks.models.recurrent import max_pool_bilstm, stacked_bilstm
from benchmarks.models.rms_norm import RMSNormTransformer

#: The kinds that give probabilities; the others give logits.
PROBABILITIES = ("stacked_bilstm", "max_pool_bilstm")


def build(
    kind: str,
    vocabulary: int,
    *,
    tokens: int = 64,
    dim: int,
    layers: int,
    classes: int = 2,
    seed: int = 0,
    dropout: float = 0.1,
) -> keras.Model:
    """A model with random weights, built.

    Args:
        kind: "lstm", "relu_cnn", "pre_ln", "post_ln", "rms_norm", "stacked_bilstm",
            "max_pool_bilstm" or "minilm".
        vocabulary: how many ids there are; 0 is padding.
        tokens: the most tokens that a pre-LN or post-LN transformer takes.
        dim: size of the embeddings and of every hidden layer.
        layers: how many LSTMs, convolutions or blocks.
        classes: how many classes.
        seed: of the weights.
        dropout: share of numbers dropped while training.

    Returns:
        The model: a `Classifier`, `model(ids, mask=None)` -> logits (batch, classes). The kinds in
        `PROBABILITIES` are functional, from ids to the probabilities of the classes, or of the
        second one alone if there are two. "minilm" is a KerasHub `BertTextClassifier`, from
        `minilm.inputs(ids)` to logits.

    Raises:
        ValueError: for another kind.
    """
    builders: dict[str, Callable[..., keras.Model]] = {
        "lstm": BidirectionalLSTM,
        "relu_cnn": ReluCNN,
        "pre_ln": functools.partial(Transformer, tokens=tokens, pre=True),
        "post_ln": functools.partial(Transformer, tokens=tokens, pre=False),
        "rms_norm": RMSNormTransformer,
        "stacked_bilstm": stacked_bilstm,
        "max_pool_bilstm": max_pool_bilstm,
        "minilm": minilm.minilm,
    }
    if kind not in builders:
        raise ValueError(f"`kind` must be one of {list(builders)}. Received: kind={kind!r}")
    keras.utils.set_random_seed(seed)
    shape: dict[str, Any] = {
        "dim": dim, "layers_": layers, "classes": classes, "dropout": dropout
    }  # fmt: skip
    model = builders[kind](vocabulary, **shape)
    ids = np.ones((1, min(tokens, 4)), np.int32)
    model(minilm.inputs(ids) if kind == "minilm" else ids)
    return model


def token_embedding(model: keras.Model) -> Any:
    """The layer that makes embeddings of ids, in a model of any kind."""
    return getattr(model, "backbone", model).get_layer("token_embedding")
