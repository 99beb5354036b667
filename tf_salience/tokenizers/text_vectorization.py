"""`Tokenizer` from Keras' own tokenizer, `TextVectorization`."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.tokenizers.tokenizer import Tokenizer
from tf_salience.utils import validation


def from_text_vectorization(layer: keras.layers.TextVectorization) -> Tokenizer:
    """Returns a tokenizer of the layer's tokens, which are words, characters or n-grams.

    Raises:
        ValueError: if the layer does not return ids, or has no vocabulary.
    """
    config = layer.get_config()
    if config["output_mode"] != "int":
        raise ValueError(
            "A `TextVectorization` must give token ids to be explained token by token. Received: "
            f"output_mode={config['output_mode']!r}. Use output_mode='int'."
        )
    vocabulary = [str(word) for word in layer.get_vocabulary()]
    if len(vocabulary) <= 2:
        raise ValueError(
            "The `TextVectorization` has no vocabulary. Received: vocabulary="
            f"{validation.format_value(vocabulary)}. Call its `adapt(texts)` or "
            "`set_vocabulary(words)` first."
        )

    def to_ids(texts: Any) -> Any:
        ids = layer(texts)
        return ids.to_tensor() if isinstance(ids, tf.RaggedTensor) else ids

    limit = config["output_sequence_length"]
    truncation = None
    if limit is not None:
        uncut = keras.layers.TextVectorization(
            **{**config, "output_sequence_length": None, "ragged": False, "vocabulary": vocabulary}
        )
        truncation = (limit, lambda texts: np.count_nonzero(uncut(tf.constant(texts)), axis=1))
    return Tokenizer(vocabulary, to_ids, pad_id=0, unknown_id=1, truncation=truncation)
