"""`export_saved_model`: the model, and beside it a signature that explains it."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tf_salience import targets
from tf_salience.attribution.methods import IntegratedGradients
from tf_salience.export import metadata, signatures
from tf_salience.export import warmup as warm_up_requests
from tf_salience.export.chunk_size import chunk
from tf_salience.export.serving_graph import Answer, fixed_columns
from tf_salience.models.text_model import TextModel, ask, checked_max_rows
from tf_salience.utils import files, validation

ATTRIBUTIONS, WITH_TARGET = "attributions", "attributions_with_target"


def export_saved_model(
    model: keras.Model,
    filepath: str | PathLike[str],
    *,
    method: Any = "integrated_gradients",
    tokenizer: Any = None,
    target: Any = "predicted",
    embeddings: Any = None,
    class_names: Sequence[str] | None = None,
    pad_id: int | None = None,
    output: str | int | None = None,
    input_signature: Any = None,
    max_rows: int | str = "auto",
    jit_compile: bool = False,
    warm_up: Any = None,
    version: int | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes a TensorFlow SavedModel that predicts, and explains what it predicts.

    It needs neither this library nor Keras nor Python to be served. Its signatures:

    - `serving_default` (and `serve`): the model's inputs and outputs, as `model.export` has them.
    - `attributions`: the same inputs, or texts where `tokenizer` takes them, to `scores`
      (batch, tokens), `mask` (batch, tokens), `predictions`, `output` (batch,), F(x); `target`
      (batch,), the explained class, where it is one; `tokens` (batch, tokens), strings, where a
      vocabulary is known; `segments` (batch, tokens), the number of each token's segment, where
      there are several. Integrated gradients add `baseline_output`, F(x'), and
      `convergence_delta`; an even trapezoid `error_estimate`; automatic steps that, `converged`
      and `evaluations`, (batch,) each. What they mean: see `Explanation`.
    - `attributions_with_target`: beside the inputs `target`, (batch,) int32, the class to explain;
      -1 for the one that is predicted. Not there for a target that is no single class.

    Args:
        model: a built `keras.Model`.
        filepath: the directory to write.
        method: as `Explainer` takes it; a callable baseline must be made of TensorFlow operations.
        tokenizer: as `Explainer` takes it; one that splits texts makes `attributions` take texts.
        target: as `Explainer` takes it, but for "label" and one an example.
        embeddings: as `Explainer` takes it.
        class_names: as `Explainer` takes it.
        pad_id: as `Explainer` takes it.
        output: as `Explainer` takes it.
        input_signature: what `model(inputs)` takes, a nest of `tf.TensorSpec`; needed by a model
            without symbolic inputs that takes more than one array.
        max_rows: rows, examples x nodes, that are run at once; "auto" bounds their tokens, and the
            memory they are estimated to take. A request's memory does not depend on its steps.
        jit_compile: whether XLA compiles the rows on the server, once for each number of tokens and
            for a few numbers of rows: for models of one width, and servers that have XLA
            (`--xla_cpu_compilation_enabled` of TensorFlow Serving). Not for models that take texts.
        warm_up: examples, as `Explainer` takes them, to be run by TensorFlow Serving before the
            first request, and once here; needs the extra `serving`.
        version: a number: the model goes to `filepath/<version>`, as TensorFlow Serving expects.
        overwrite: whether a SavedModel that is there may be replaced. Nothing else ever is.

    Returns:
        The directory that holds the SavedModel.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for an argument that does not fit the model; see the message.
        FileExistsError: if there is a SavedModel already, without `overwrite`, or something else.
        ImportError: for `warm_up` without tensorflow-serving-api.
    """
    place = _place(filepath, version)
    files.check(place, overwrite=overwrite)
    max_rows = checked_max_rows(max_rows)
    question = ask(
        model,
        method,
        target=target,
        embeddings=embeddings,
        tokenizer=tokenizer,
        class_names=class_names,
        pad_id=pad_id,
        output=output,
    )
    _check_target(question)
    specs, seen = signatures.surveyed(question, input_signature)
    _check_baseline(question, specs)
    columns = fixed_columns(question, seen.outputs)
    texts = signatures.text_inputs(question, specs, seen)
    examples = None
    if warm_up is not None:
        warm_up_requests.check()
        examples = signatures.example_request(question, specs, texts, warm_up)
    rows = chunk(question, specs, seen, max_rows)
    _check_jit_compile(question, jit_compile)
    answer = Answer(question, specs, columns, texts=texts, chunk=rows, jit_compile=jit_compile)
    with files.replaced(place, overwrite=overwrite) as fresh:
        archive = _archive(question, specs, texts, answer, tokenizer)
        archive.write_out(str(fresh), verbose=False)
        content = {
            **question.get_config(),
            "segments": seen.names,
            "max_rows": max_rows,
            "jit_compile": jit_compile,
        }
        metadata.write(fresh, {**content, "signatures": _described(fresh)})
        if examples is not None:
            of_model, of_attributions = examples
            asked = {"serving_default": of_model, ATTRIBUTIONS: of_attributions}
            warm_up_requests.run(fresh, asked)
            warm_up_requests.write(fresh, model.name, asked)
    return place


def _archive(
    question: TextModel, specs: Any, texts: Sequence[int], answer: Answer, tokenizer: Any
) -> Any:
    """The archive with its endpoints; the first becomes `serving_default` too."""
    archive = keras.export.ExportArchive()
    archive.track(question.model)
    if isinstance(tokenizer, keras.layers.Layer):
        # Keras refuses a layer that was never called; all that is asked for are its tables.
        holder = tf.Module()
        holder.tokenizer = tokenizer
        archive.track(holder)
    flat = tf.nest.flatten(specs)
    archive.add_endpoint(
        "serve",
        lambda *given: question.model(tf.nest.pack_sequence_as(specs, given)),
        input_signature=flat,
    )
    open_specs = [signatures.opened(spec) for spec in flat]
    for number in texts:
        open_specs[number] = tf.TensorSpec([None], tf.string, flat[number].name)
    # One graph for both signatures.
    explain = tf.function(answer, autograph=False)

    with_target = [*open_specs, tf.TensorSpec([None], tf.int32, "target")]

    def attributions(*given: Any) -> Any:
        inputs = _ranked(given, open_specs)
        return explain(inputs, tf.fill(tf.shape(inputs[0])[:1], answer.default))

    def attributions_with_target(*given: Any) -> Any:
        *inputs, target = _ranked(given, with_target)
        return explain(inputs, target)

    archive.add_endpoint(ATTRIBUTIONS, attributions, input_signature=open_specs)
    if len(question.target.units) == 1:
        archive.add_endpoint(WITH_TARGET, attributions_with_target, input_signature=with_target)
    return archive


def _ranked(given: Sequence[Any], specs: Sequence[tf.TensorSpec]) -> list[Any]:
    """The inputs of a request, with as many axes as they should have: servers do not look."""
    return [
        tf.ensure_shape(tensor, spec.shape, name=spec.name)
        for tensor, spec in zip(given, specs, strict=True)
    ]


def _place(filepath: str | PathLike[str], version: int | None) -> Path:
    if "://" in str(filepath):
        raise ValueError(
            "`filepath` must be a local directory. Export to one, then copy it, with "
            f"`gsutil cp -r` for instance. Received: {str(filepath)!r}"
        )
    if version is None:
        return Path(filepath)
    if not validation.is_integer(version):
        raise TypeError(
            "`version` must be a number or None. "
            f"Received: version={version!r} (of type {type(version).__name__})"
        )
    if version < 0:
        raise ValueError(f"`version` must be at least 0. Received: version={version}")
    return Path(filepath) / str(version)


def _check_target(question: TextModel) -> None:
    """Refuses what is known of the user's examples and not of those of a request."""
    if isinstance(question.target, targets.Position | targets.Span):
        raise ValueError(
            "A target at a place among the tokens cannot be exported, since each request has "
            f"others. Received: target={question.target!r}. Export a callable, for instance "
            "`target=lambda outputs: outputs[:, 3, 1]`."
        )
    for unit in question.target.units:
        if isinstance(unit, str) and unit == "label":
            raise ValueError(
                "`target='label'` cannot be exported, since a request has no labels. Received: "
                f"target={unit!r}. Leave it out, and ask the signature `{WITH_TARGET}` for a class."
            )
        if isinstance(unit, Sequence | np.ndarray) and not isinstance(unit, str):
            raise ValueError(
                "A `target` for each example cannot be exported, since a request has others. Ask "
                f"the signature `{WITH_TARGET}` for classes. Received: target={unit!r}"
            )


def _check_jit_compile(question: TextModel, jit_compile: bool) -> None:
    if not isinstance(jit_compile, bool):
        raise TypeError(
            "`jit_compile` must be True or False. "
            f"Received: jit_compile={jit_compile!r} (of type {type(jit_compile).__name__})"
        )
    if jit_compile and question.takes_text:
        raise ValueError(
            "XLA takes no strings, so a model that takes texts cannot have `jit_compile=True`. "
            f"Received: model={question.model.name!r}. Export its part from ids on, with "
            "`tokenizer=` its TextVectorization."
        )


def _check_baseline(question: TextModel, specs: Any) -> None:
    """Refuses an array for each example, or for each token where their number is open."""
    method = question.method
    array = method.baseline if isinstance(method, IntegratedGradients) else None
    if not isinstance(array, np.ndarray) or array.ndim == 1:
        return
    if array.ndim == 3 and len(array) > 1:
        raise ValueError(
            "A `baseline` for each example cannot be exported, since a request has others. "
            f"Received: shape {array.shape}. Pass one of shape (dim,) or (tokens, dim)."
        )
    widths = [spec.shape[1] for spec in tf.nest.flatten(specs) if len(spec.shape) > 1]
    if array.shape[-2] > 1 and None in widths:
        raise ValueError(
            "A `baseline` for each token needs a model that takes one number of tokens. Received: "
            f"shape {array.shape}, and inputs of any width. Pass one of shape (dim,), or an "
            "`input_signature` with the width."
        )


def _described(saved: Path) -> dict[str, Any]:
    """The signatures that were written: inputs and outputs, name to dtype and shape."""
    content = saved_model_pb2.SavedModel.FromString((saved / "saved_model.pb").read_bytes())
    found = {}
    for name, signature in sorted(content.meta_graphs[0].signature_def.items()):
        if not name.startswith("__"):  # TensorFlow's own
            sides = {"inputs": signature.inputs, "outputs": signature.outputs}
            found[name] = {
                side: {key: _tensor(info) for key, info in sorted(tensors.items())}
                for side, tensors in sides.items()
            }
    return found


def _tensor(info: Any) -> dict[str, Any]:
    shape = tf.TensorShape(info.tensor_shape)
    return {
        "dtype": tf.dtypes.as_dtype(info.dtype).name,
        "shape": None if shape.rank is None else shape.as_list(),
    }
