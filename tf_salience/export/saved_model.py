"""`export_saved_model`: the model, and beside it a signature that explains it."""

from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tf_salience import targets
from tf_salience.attribution import methods
from tf_salience.attribution.execution.memory import check_max_rows
from tf_salience.attribution.path import PathGradients
from tf_salience.data.class_names import ClassNames
from tf_salience.explainer.assembly import explanation_config
from tf_salience.export import argument_checks, metadata, signatures, warmup
from tf_salience.export.argument_checks import WITH_TARGET
from tf_salience.export.chunk_size import chunk_size
from tf_salience.export.erased_loop import ErasedLoop
from tf_salience.export.graph_path import ChunkLoop
from tf_salience.export.serving_graph import ServingGraph, fixed_classes
from tf_salience.models.text_model import TextModel
from tf_salience.utils import files

ATTRIBUTIONS = "attributions"


def export_saved_model(
    model: keras.Model,
    filepath: str | PathLike[str],
    *,
    method: Any = "integrated_gradients",
    tokenizer: Any = None,
    target: Any = "predicted",
    embeddings: Any = None,
    class_names: ClassNames | None = None,
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
      `convergence_delta`; an even trapezoid adds `error_estimate`; automatic steps add it,
      `converged` and `evaluations`, (batch,) each. What they mean: see `Explanation`.
    - `attributions_with_target`: beside the inputs `target`, (batch,) int32, the class to explain;
      -1 for the one that is predicted. Not there for a target that is not a single class.

    Args:
        model: a built `keras.Model`.
        filepath: the directory to write.
        method: as `Explainer` takes it; a callable baseline, and a custom method, must be
            made of operations that work on tensors.
        tokenizer: as `Explainer` takes it; one that splits texts makes `attributions` take texts.
        target: as `Explainer` takes it, but for "label" and one per example.
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

    Example:
        >>> folder = tfs.export_saved_model(model, "reviews", method="gradient_dot_input")
        >>> attributions = tf.saved_model.load(folder).signatures["attributions"]
        >>> (name,) = attributions.structured_input_signature[1]
        >>> attributions(**{name: tf.constant(["good fun"])})["scores"].shape
        TensorShape([1, 8])
    """
    folder = argument_checks.versioned_folder(filepath, version)
    files.check_replaceable(folder, overwrite=overwrite)
    max_rows = check_max_rows(max_rows)
    method, target = methods.get(method), targets.get(target)
    text_model = TextModel.from_arguments(
        model,
        embeddings=embeddings,
        tokenizer=tokenizer,
        class_names=class_names,
        pad_id=pad_id,
        output=output,
    )
    argument_checks.check_target(target)
    argument_checks.check_jit_compile(text_model, jit_compile)
    argument_checks.check_batches(model)
    specs, signature = signatures.trace(text_model, input_signature)
    argument_checks.check_baseline(method, specs)
    classes = fixed_classes(text_model, target, signature)
    text_inputs = signatures.text_inputs(text_model, specs, signature)
    requests = None
    if warm_up is not None:
        warmup.check_installed()
        of_model, of_attributions = signatures.example_requests(
            text_model, specs, text_inputs, warm_up
        )
        requests = {"serving_default": of_model, ATTRIBUTIONS: of_attributions}
    gradients = PathGradients(text_model.hooked, text_model.score(target), method.reduction)
    rows = chunk_size(gradients, specs, signature, len(classes), max_rows)
    graph = ServingGraph(
        text_model,
        method,
        target,
        specs=specs,
        classes=classes,
        text_inputs=text_inputs,
        loop=ChunkLoop(gradients, rows, jit_compile=jit_compile),
        erased_loop=ErasedLoop(gradients, rows, jit_compile=jit_compile),
    )
    with files.atomic_directory(folder, overwrite=overwrite) as new:
        has_single_class = len(target.units) == 1
        archive = _archive(model, specs, text_inputs, graph, with_target=has_single_class)
        _track_tables(archive, tokenizer)
        archive.write_out(str(new), verbose=False)
        content = {
            **explanation_config(text_model, method, target),
            "segments": [segment.name for segment in signature.shown],
            "max_rows": max_rows,
            "jit_compile": jit_compile,
        }
        metadata.write(new, {**content, "signatures": _described(new)})
        if requests is not None:
            warmup.run(new, requests)
            warmup.write(new, model.name, requests)
    return folder


def _archive(
    model: keras.Model,
    specs: Any,
    text_inputs: Collection[int],
    graph: ServingGraph,
    *,
    with_target: bool,
) -> Any:
    """Returns the archive with its endpoints; the first becomes `serving_default` too."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    flat = tf.nest.flatten(specs)
    archive.add_endpoint(
        "serve",
        lambda *inputs: model(tf.nest.pack_sequence_as(specs, inputs)),
        input_signature=flat,
    )
    open_specs = [signatures.opened(spec) for spec in flat]
    for number in text_inputs:
        open_specs[number] = tf.TensorSpec([None], tf.string, flat[number].name)
    target_spec = tf.TensorSpec([None], tf.int32, "target")
    # One graph for both signatures.
    explain = tf.function(graph, autograph=False)

    def attributions(*tensors: Any) -> Any:
        inputs = _ranked(tensors, open_specs)
        return explain(inputs, tf.fill(tf.shape(inputs[0])[:1], graph.default_target))

    def attributions_with_target(*tensors: Any) -> Any:
        *inputs, target = _ranked(tensors, [*open_specs, target_spec])
        return explain(inputs, target)

    archive.add_endpoint(ATTRIBUTIONS, attributions, input_signature=open_specs)
    if with_target:
        archive.add_endpoint(
            WITH_TARGET, attributions_with_target, input_signature=[*open_specs, target_spec]
        )
    return archive


def _track_tables(archive: Any, tokenizer: Any) -> None:
    """Tracks the lookup tables of tokenizers; Keras refuses a layer that was never called."""
    tokenizers = tokenizer.values() if isinstance(tokenizer, dict) else [tokenizer]
    holder = tf.Module()
    holder.tokenizers = [value for value in tokenizers if isinstance(value, keras.layers.Layer)]
    archive.track(holder)


def _ranked(tensors: Sequence[Any], specs: Sequence[tf.TensorSpec]) -> list[Any]:
    """Checks the ranks of a request's inputs, which servers do not check."""
    return [
        tf.ensure_shape(tensor, spec.shape, name=spec.name)
        for tensor, spec in zip(tensors, specs, strict=True)
    ]


def _described(folder: Path) -> dict[str, Any]:
    """Returns the signatures that were written: inputs and outputs, name to dtype and shape."""
    content = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return {
        name: {
            "inputs": _described_tensors(signature.inputs),
            "outputs": _described_tensors(signature.outputs),
        }
        for name, signature in sorted(content.meta_graphs[0].signature_def.items())
        if not name.startswith("__")  # TensorFlow's own
    }


def _described_tensors(tensors: Any) -> dict[str, Any]:
    descriptions = {}
    for name, info in sorted(tensors.items()):
        shape = tf.TensorShape(info.tensor_shape)
        descriptions[name] = {
            "dtype": tf.dtypes.as_dtype(info.dtype).name,
            "shape": None if shape.rank is None else shape.as_list(),
        }
    return descriptions
