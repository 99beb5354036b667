"""Checks of the arguments of `export_saved_model` that the live explainer does not need."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience import targets
from tf_salience.attribution.methods import Method
from tf_salience.models.embeddings import structure
from tf_salience.models.input_checks import check_stateless
from tf_salience.models.text_model import TextModel
from tf_salience.utils import validation
from tf_salience.utils.validation import format_value

#: The signature that takes a class beside the inputs.
WITH_TARGET = "attributions_with_target"


def versioned_folder(filepath: str | PathLike[str], version: int | None) -> Path:
    """Returns the folder of the SavedModel.

    Raises:
        TypeError: for a version that is not a number.
        ValueError: for a path that is not local, or a negative version.
    """
    if "://" in str(filepath):
        raise ValueError(
            "`filepath` must be a local directory. Export to one, then copy it, with "
            f"`gsutil cp -r` for instance. Received: {format_value(str(filepath))}"
        )
    if version is None:
        return Path(filepath)
    if not validation.is_integer(version):
        raise TypeError(
            "`version` must be a number or None. "
            f"Received: version={format_value(version)} (of type {type(version).__name__})"
        )
    if version < 0:
        raise ValueError(f"`version` must be at least 0. Received: version={version}")
    return Path(filepath) / str(version)


def check_target(target: targets.Target) -> None:
    """Raises a ValueError for a target that depends on the examples: a request has others."""
    if isinstance(target, targets.TokenTarget):
        raise ValueError(
            "A target at a position of a token cannot be exported, since the positions differ "
            f"between requests. Received: target={format_value(target)}. Export a callable, for "
            "instance `target=lambda outputs: outputs[:, 3, 1]`."
        )
    for unit in target.units:
        if isinstance(unit, str) and unit == "label":
            raise ValueError(
                "`target='label'` cannot be exported, since a request has no labels. Received: "
                f"target={format_value(unit)}. Leave it out, and ask the signature "
                f"`{WITH_TARGET}` for a class."
            )
        if isinstance(unit, Sequence | np.ndarray) and not isinstance(unit, str):
            raise ValueError(
                "A `target` for each example cannot be exported, since a request has other "
                f"examples. Ask the signature `{WITH_TARGET}` for classes. "
                f"Received: target={format_value(unit)}"
            )


def check_jit_compile(model: TextModel, jit_compile: bool) -> None:
    """Raises for another kind of `jit_compile`, or for XLA with a model that takes texts."""
    if not isinstance(jit_compile, bool):
        raise TypeError(
            "`jit_compile` must be True or False. "
            f"Received: jit_compile={format_value(jit_compile)} "
            f"(of type {type(jit_compile).__name__})"
        )
    if jit_compile and model.takes_text:
        raise ValueError(
            "XLA takes no strings, so a model that takes texts cannot have `jit_compile=True`. "
            f"Received: model={model.model.name!r}. Export its part from ids on, with "
            "`tokenizer=` its TextVectorization."
        )


def check_batches(model: keras.Model) -> None:
    """Raises a ValueError for a model whose batches are of one size, or that carries state."""
    check_stateless(model)
    size = structure.fixed_batch_size(model)
    if size is not None:
        raise ValueError(
            "A model that is exported must take batches of any size, as requests are. Received: "
            f"{model.name!r}, which takes batches of {size}. Make it again with "
            "`keras.Input((tokens,))`, and copy the weights: "
            "`new.set_weights(model.get_weights())`."
        )


def check_baseline(method: Method, specs: Any) -> None:
    """Raises for an array for each example, or for each token where their number is open."""
    array = method.baseline
    if not isinstance(array, np.ndarray) or array.ndim == 1:
        return
    if array.ndim == 3 and len(array) > 1:
        raise ValueError(
            "A `baseline` for each example cannot be exported, since a request has other examples. "
            f"Received: shape {array.shape}. Pass one of shape (dim,) or (tokens, dim)."
        )
    widths = [spec.shape[1] for spec in tf.nest.flatten(specs) if len(spec.shape) > 1]
    if array.shape[-2] > 1 and None in widths:
        raise ValueError(
            "A `baseline` for each token needs a model with a fixed number of tokens. Received: "
            f"shape {array.shape}, and inputs of any width. Pass one of shape (dim,), or an "
            "`input_signature` with the width."
        )
