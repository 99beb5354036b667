"""`tf-salience explain --runner`: the texts of files, explained by workers of Apache Beam."""

import argparse
import glob
import os
import sys
from collections.abc import Sequence
from typing import Any

from tf_salience.cli import folder_job, option_values
from tf_salience.cli.custom_layers import import_custom_objects
from tf_salience.cli.tensorflow_import import import_tensorflow
from tf_salience.utils.cores import usable_cores
from tf_salience.utils.text import printable
from tf_salience.utils.validation import format_value

#: Options that a SavedModel has already, with the value that stands for none.
_OF_THE_EXPORT = {
    "method": "integrated_gradients",
    "steps": None,
    "rule": None,
    "baseline": None,
    "span": None,
    "unit": None,
    "embeddings": None,
    "vocabulary": None,
    "class_names": None,
    "class_names_file": None,
    "head": None,
}
#: Options of `explain` that a pipeline does not have.
_NOT_HERE = {
    "text": None,
    "max": None,
    "continuation": None,
    "words": False,
    "all": False,
    "rating_column": None,
    "batch_size": 32,
    **{name: value for name, value in folder_job.DEFAULTS.items() if name != "keep"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--runner` to `tf-salience explain`."""
    parser.add_argument(
        "--runner",
        metavar="NAME",
        help="explain --data, a file or pattern, in an Apache Beam pipeline (DirectRunner, "
        "FlinkRunner, DataflowRunner, ...), to --output, a new folder; Beam's own options come "
        "last, behind `--`",
    )


def split_options(command_line: Sequence[str]) -> tuple[list[str], list[str]]:
    """Splits a command line with `--runner` at `--`: the command's own options, and Beam's."""
    words = list(command_line)
    place = words.index("--") if "--" in words else len(words)
    if not any(word.partition("=")[0] == "--runner" for word in words[:place]):
        return words, []
    return words[:place], words[place + 1 :]


def explain(options: argparse.Namespace) -> None:
    """Runs `tf-salience explain --runner`.

    Raises:
        ImportError: without Apache Beam, which the extra `beam` installs.
        ValueError: for options that do not go together.
    """
    option_values.require("apache_beam", extra="beam", purpose="--runner")
    unsupported = _passed(options, _NOT_HERE)
    if unsupported or options.data is None or options.output is None:
        raise ValueError(
            "--runner needs --data and --output, a new folder, and does not take "
            f"{', '.join(map(_flag, _NOT_HERE))}. Received: {', '.join(unsupported) or 'neither'}"
        )
    paths = sorted(glob.glob(options.data, recursive=True)) or [options.data]
    for path in paths:
        if not os.path.isfile(path):
            raise FileNotFoundError(f"The file {format_value(path)} of --data does not exist.")
    transform_arguments = _explain_arguments(options)
    import_tensorflow()
    from tf_salience.beam.explain import Explain
    from tf_salience.beam.files import ReadExamples, explain_files

    has_label = options.target == "label"
    counts = explain_files(
        [os.path.abspath(path) for path in paths],
        os.path.abspath(options.output),
        Explain(
            **transform_arguments,
            label="label" if has_label else None,
            threads=_threads(options.beam_options),
        ),
        ReadExamples(
            options.text_column,
            (options.label_column or "label") if has_label else None,
            tuple(getattr(options, "keep", None) or ()),
            transform_arguments.get("class_names"),
        ),
        pipeline_options=[f"--runner={options.runner}", *options.beam_options],
    )
    print(
        printable(f"Wrote {counts.get('examples', 0)} explanations to {options.output}; ")
        + f"{counts.get('errors', 0)} texts could not be explained, "
        f"{counts.get('unconverged', 0)} explanations did not converge.",
        file=sys.stderr,
    )


def _threads(beam_options: Sequence[str]) -> int | None:
    """Returns the share of this machine's cores that a process of the DirectRunner has, or None."""
    from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions

    direct = PipelineOptions(list(beam_options)).view_as(DirectOptions)
    if direct.direct_running_mode != "multi_processing":
        return None
    # 0 stands for as many processes as there are cores.
    return max(1, usable_cores() // (direct.direct_num_workers or usable_cores()))


def _explain_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the arguments of `Explain`, the label apart."""
    path = option_values.model_path(options)
    if path.suffix != ".keras":
        passed = _passed(options, _OF_THE_EXPORT)
        if passed or options.target not in ("predicted", "label"):
            raise ValueError(
                "A SavedModel explains as it was exported. "
                f"Received: {', '.join(passed) or f'--target {options.target}'}. Pass these to "
                "`tf-salience export`, or pass the .keras file."
            )
        return {"model": path}
    arguments: dict[str, Any] = {
        "model": path,
        "method": option_values.method(options),
        "target": options.target,
        "embeddings": options.embeddings,
        "class_names": option_values.class_names(options),
        "output": options.head,
    }
    vocabulary = option_values.vocabulary(options)
    if vocabulary is not None:
        import_tensorflow()
        import keras

        arguments["tokenizer"] = keras.layers.TextVectorization(vocabulary=vocabulary)
    if options.imports:
        import_tensorflow()
        from apache_beam.internal.cloudpickle import cloudpickle

        arguments["custom_objects"] = import_custom_objects(options.imports)
        # The workers get the code: they need not find the user's files.
        for custom_object in arguments["custom_objects"].values():
            cloudpickle.register_pickle_by_value(sys.modules[custom_object.__module__])
    return arguments


def _passed(options: argparse.Namespace, defaults: dict[str, Any]) -> list[str]:
    return [
        _flag(name) for name, value in defaults.items() if getattr(options, name, value) != value
    ]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
