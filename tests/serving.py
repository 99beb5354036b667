"""Requests to SavedModels that are loaded without the library, as a server loads them."""

import helpers
import tensorflow as tf


def load(folder):
    return tf.saved_model.load(str(folder))


def request(loaded, signature="attributions", **inputs):
    """The results of a signature as arrays, by name.

    `inputs=` stands for the only input that is not named, whatever its name.
    """
    function = loaded.signatures[signature]
    names = set(function.structured_input_signature[1])
    if "inputs" in set(inputs) - names:
        (name,) = names - set(inputs)
        inputs[name] = inputs.pop("inputs")
    return {name: value.numpy() for name, value in function(**inputs).items()}


def ids(batch=6):
    return tf.constant(helpers.ids(batch))
