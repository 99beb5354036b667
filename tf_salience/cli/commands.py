"""The subcommands. TensorFlow is imported once all that can be checked without it is checked."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import os
import pathlib
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from tf_salience import data as datafiles
from tf_salience.demo.options import DemoOptions
from tf_salience.explanation import storage
from tf_salience.export import metadata
from tf_salience.utils import files

_PADDING, _UNKNOWN = ("", "[PAD]", "<pad>"), ("[UNK]", "<unk>", "<OOV>")


def demo(options: argparse.Namespace) -> None:
    """Runs `tf-salience demo`."""
    fields = {field.name for field in dataclasses.fields(DemoOptions)}
    asked = DemoOptions(**{name: value for name, value in vars(options).items() if name in fields})
    if options.export is not None:
        files.check(pathlib.Path(options.export), overwrite=False)
    if asked.picture is not None:
        _need("matplotlib", "plot", f"--picture {asked.picture}")
    _import_tensorflow()
    from rich.console import Console

    from tf_salience.cli.served import export_and_ask
    from tf_salience.demo.run import run_demo

    console = Console()
    result = run_demo(asked, console)
    with tempfile.TemporaryDirectory() as folder:
        export_and_ask(result, pathlib.Path(options.export or folder), console)


def explain(options: argparse.Namespace) -> None:
    """Runs `tf-salience explain`."""
    # Everything that can be known before the model is loaded is checked before that.
    output = _checked_output(options.output)
    method = _method_config(options)
    model_path = _model_path(options)
    data = _texts(options)
    words = _vocabulary(options)
    # Names in a file are in the alphabet's order, which need not be that of the model's outputs.
    class_names = options.class_names
    labels = _labels(data, class_names) if options.target == "label" else None
    if options.continuation is not None and options.target != "predicted":
        raise ValueError("--continuation is a target itself; leave --target out.")
    _import_tensorflow()
    from tf_salience.explainer.explainer import Explainer
    from tf_salience.targets import Span

    continuation = options.continuation
    explainer = Explainer(
        _loaded(model_path),
        method,
        target=options.target if continuation is None else Span(continuation),
        embeddings=options.embeddings,
        tokenizer=_tokenizer(words),
        class_names=class_names,
        output=options.head,
        batch_size=options.batch_size,
    )
    explanation = explainer(data.texts, labels=labels)
    explanation = explanation.merged() if options.words else explanation
    if output is not None:
        explanation.save(output)
        print(f"Wrote {len(explanation)} explanations to {output}.", file=sys.stderr)
        return
    for salience in explanation:
        print(salience, end="\n\n")


def export(options: argparse.Namespace) -> None:
    """Runs `tf-salience export`."""
    method = _method_config(options)
    model_path = _model_path(options)
    words = _vocabulary(options)
    version = () if options.version is None else (str(options.version),)
    files.check(pathlib.Path(options.output, *version), overwrite=options.overwrite)
    if options.target == "label":
        raise ValueError(
            "The target 'label' cannot be exported, since a request has no labels; the signature "
            "`attributions_with_target` takes a class."
        )
    _import_tensorflow()
    from tf_salience.export.saved_model import export_saved_model

    place = export_saved_model(
        _loaded(model_path),
        options.output,
        method=method,
        tokenizer=_tokenizer(words),
        target=options.target,
        embeddings=options.embeddings,
        class_names=options.class_names,
        output=options.head,
        max_rows="auto" if options.max_rows is None else options.max_rows,
        warm_up=options.warm_up,
        version=options.version,
        overwrite=options.overwrite,
    )
    print(f"Wrote {place}. Its signatures:")
    for name, sides in metadata.read_signature(place)["signatures"].items():
        inputs, outputs = (", ".join(sides[side]) for side in ("inputs", "outputs"))
        print(f"  {name}: {inputs} -> {outputs}")


def inspect(options: argparse.Namespace) -> None:
    """Runs `tf-salience inspect`."""
    model_path = _model_path(options)
    words = _vocabulary(options)
    _import_tensorflow()
    from tf_salience.models.report import report

    model = _loaded(model_path)
    print(report(model, embeddings=options.embeddings, tokenizer=_tokenizer(words)))


def _loaded(path: pathlib.Path) -> Any:
    """The saved model; Keras imports KerasHub itself where a model is made of its classes."""
    import keras

    try:
        return keras.models.load_model(path, compile=False)
    except (TypeError, ValueError, ImportError) as error:
        if "keras_hub" in str(error):
            _need("keras_hub", "hub", str(path))
        raise


def _tokenizer(words: Sequence[str] | None) -> Any:
    import keras

    return None if words is None else keras.layers.TextVectorization(vocabulary=words)


def _model_path(options: argparse.Namespace) -> pathlib.Path:
    path = pathlib.Path(options.model)
    if not path.exists():
        raise FileNotFoundError(f"There is no model {options.model!r}.")
    return path


def _vocabulary(options: argparse.Namespace) -> list[str] | None:
    return None if options.vocabulary is None else _words(pathlib.Path(options.vocabulary))


def _texts(options: argparse.Namespace) -> datafiles.LabelledTexts:
    if options.text is not None:
        data = datafiles.LabelledTexts(options.text)
    else:
        data = datafiles.read_file(
            options.data,
            text_column=options.text_column,
            label_column=options.label_column,
            rating_column=options.rating_column,
        )
    if options.target == "label" and data.labels is None:
        raise ValueError(
            "The target 'label' needs labels: pass --data with a --label-column or "
            "--rating-column, or choose another --target."
        )
    return data if options.max is None else data.take(range(min(options.max, len(data))))


def _labels(
    data: datafiles.LabelledTexts, class_names: Sequence[str] | None
) -> list[int] | list[str] | None:
    """Labels by name where the file has names: their order there need not be the model's."""
    if data.labels is None:
        return None
    if data.class_names is None:
        return [int(label) for label in data.labels]
    if class_names is None:
        raise ValueError(
            f"The labels of the file are names, {list(data.class_names)}: say which output of the "
            "model is which with --class-names A,B,..."
        )
    return [data.class_names[label] for label in data.labels]


def _method_config(options: argparse.Namespace) -> Any:
    """The method as `Explainer` takes it: a name, or the config of integrated gradients."""
    asked = {
        name: value
        for name in ("steps", "rule", "baseline")
        if (value := getattr(options, name)) is not None
    }
    if asked and options.method != "integrated_gradients":
        raise ValueError(
            f"--{' and --'.join(asked)} belong to integrated_gradients. "
            f"Received: --method {options.method}"
        )
    if "rule" in asked and asked.get("steps", "auto") == "auto":
        raise ValueError("--rule needs a number of --steps; 'auto' has a rule of its own.")
    return {"class_name": options.method, "config": asked}


def _words(path: pathlib.Path) -> list[str]:
    """The words of a vocabulary file without padding and unknown, which Keras adds itself."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no vocabulary file {str(path)!r}.")
    try:
        words = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8. Save it as UTF-8 and try again.") from error
    words = [word.rstrip("\r") for word in words]
    if words[-1] == "":
        words.pop()
    if len(words) < 3 or words[0] not in _PADDING or words[1] not in _UNKNOWN:
        raise ValueError(
            f"{path}: the first line must be padding (empty, [PAD] or <pad>) and the second the "
            f"unknown token ([UNK], <unk> or <OOV>), since ids 0 and 1 mean these. "
            f"Received: {words[:2]}"
        )
    return words[2:]


def _checked_output(output: str | None) -> pathlib.Path | None:
    if output is None:
        return None
    path = pathlib.Path(output)
    storage.check_suffix(path)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no directory for --output {output!r}; make it first.")
    if path.suffix == ".parquet":
        _need("pyarrow", "parquet", f"--output {output}")
    return path


def _need(module: str, extra: str, what: str) -> None:
    """Fails before the work if what its end needs is not installed."""
    if importlib.util.find_spec(module) is None:
        raise ImportError(
            f"{what} needs {module}. Install it with `pip install 'tf-salience[{extra}]'`."
        )


def _import_tensorflow() -> None:
    """Imports TensorFlow without the lines its libraries write before any log level is read.

    They write to the file descriptor itself; should the import fail, they are shown after all.
    """
    try:
        stream = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # standard error is no file here
        import tensorflow

        return
    sys.stderr.flush()
    kept = os.dup(stream)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), stream)
        try:
            import tensorflow  # noqa: F401

            failed = False
        except BaseException:
            failed = True
            raise
        finally:
            os.dup2(kept, stream)
            os.close(kept)
            if failed:
                written.seek(0)
                sys.stderr.write(written.read().decode(errors="replace"))
