"""`Tokenizer` from `keras.layers.StringLookup`: words to ids, for texts that the user splits."""

import keras

from tf_salience.tokenizers.tokenizer import Tokenizer
from tf_salience.utils import validation


def from_string_lookup(layer: keras.layers.StringLookup) -> Tokenizer:
    """Returns a tokenizer of the layer's words; that of an inverted layer reads ids only.

    Raises:
        ValueError: if the layer does not return ids, or has no vocabulary.
    """
    config = layer.get_config()
    if config["output_mode"] != "int":
        raise ValueError(
            "A `StringLookup` must give ids to be a tokenizer. Received: "
            f"output_mode={config['output_mode']!r}. Use output_mode='int'."
        )
    vocabulary = [str(word) for word in layer.get_vocabulary()]
    first_unknown = 0 if config["mask_token"] is None else 1
    if len(vocabulary) <= first_unknown + config["num_oov_indices"]:
        raise ValueError(
            "The `StringLookup` has no vocabulary. Received: vocabulary="
            f"{validation.format_value(vocabulary)}. Call its `adapt(words)` or "
            "`set_vocabulary(words)` first."
        )
    return Tokenizer(
        vocabulary,
        words_to_ids=None if config["invert"] else layer,
        pad_id=None if config["mask_token"] is None else 0,
        unknown_id=first_unknown if config["num_oov_indices"] else None,
    )
