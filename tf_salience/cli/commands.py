"""The subcommands: a function each, of the same name, whose checks come before TensorFlow loads."""

import argparse
import contextlib
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator

from tf_salience.cli import beam_runner, folder_job, option_values, printing
from tf_salience.cli.model_loading import load_model, make_tokenizer
from tf_salience.cli.report_command import report as report
from tf_salience.cli.tensorflow_import import import_tensorflow
from tf_salience.demo.options import DemoOptions
from tf_salience.export import metadata
from tf_salience.utils import files
from tf_salience.utils.text import printable


def demo(options: argparse.Namespace) -> None:
    """Runs `tf-salience demo`."""
    demo_options = DemoOptions(
        **{name: getattr(options, name) for name in option_values.field_names(DemoOptions)}
    )
    if options.export is not None:
        files.check_replaceable(pathlib.Path(options.export), overwrite=False)
    if options.picture is not None:
        option_values.require("matplotlib", extra="plot", purpose=f"--picture {options.picture}")
    import_tensorflow()
    from rich.console import Console

    from tf_salience.cli.demo_export import export_and_compare
    from tf_salience.cli.demo_report import write_demo_report
    from tf_salience.demo.run import run_demo

    console = Console(highlight=False)
    result = run_demo(demo_options, console)
    with tempfile.TemporaryDirectory() as directory:
        export_and_compare(result, pathlib.Path(options.export or directory), console)
    if demo_options.report is not None:
        write_demo_report(result, demo_options.report, console)


def explain(options: argparse.Namespace) -> None:
    """Runs `tf-salience explain`."""
    if options.runner is not None:
        beam_runner.explain(options)
        return
    if folder_job.is_chosen(options):
        folder_job.explain(options)
        return
    output = option_values.output_path(options)
    method = option_values.method(options)
    model_path = option_values.model_path(options)
    data = option_values.texts(options)
    vocabulary = option_values.vocabulary(options)
    class_names = option_values.class_names(options)
    labels = option_values.labels(options, data, class_names)
    if options.continuation is not None and options.target != "predicted":
        raise ValueError("--continuation is a target itself; leave --target out.")
    import_tensorflow()
    from tf_salience.explainer.explainer import Explainer
    from tf_salience.targets import Span

    explainer = Explainer(
        load_model(model_path, options),
        method,
        target=options.target if options.continuation is None else Span(options.continuation),
        embeddings=options.embeddings,
        tokenizer=make_tokenizer(vocabulary),
        class_names=class_names,
        output=options.head,
        batch_size=options.batch_size,
    )
    explanation = explainer(data.texts, labels=labels)
    explanation = explanation.merged() if options.words else explanation
    if output is not None:
        explanation.save(output)
        print(
            f"Wrote {len(explanation)} explanations to {printable(str(output))}.", file=sys.stderr
        )
        return
    printing.print_explanation(explanation, shows_all=options.all)


def evaluate(options: argparse.Namespace) -> None:
    """Runs `tf-salience evaluate`."""
    output = option_values.output_path(options)
    methods = option_values.methods(options)
    model_path = option_values.model_path(options)
    data = option_values.texts(options)
    vocabulary = option_values.vocabulary(options)
    class_names = option_values.class_names(options)
    labels = option_values.labels(options, data, class_names)
    import_tensorflow()
    from rich.console import Console

    from tf_salience.evaluation.evaluate import evaluate
    from tf_salience.explainer.explainer import Explainer

    model = load_model(model_path, options)
    explainers = {
        name: Explainer(
            model,
            method,
            target=options.target,
            embeddings=options.embeddings,
            tokenizer=make_tokenizer(vocabulary),
            class_names=class_names,
            output=options.head,
            batch_size=options.batch_size,
        )
        for name, method in methods.items()
    }
    with _progress("Evaluating", len(data)) as progress:
        evaluation = evaluate(
            explainers,
            data.texts,
            labels,
            eraser=options.eraser,
            rationales=data.rationales,
            naopc_beam=options.naopc or 0,
            randomization=options.randomization or 0,
            seed=options.seed,
            progress=progress,
        )
    if output is not None:
        evaluation.save(output)
        print(f"Wrote the evaluation to {printable(str(output))}.", file=sys.stderr)
        return
    Console(highlight=False).print(evaluation)


def export(options: argparse.Namespace) -> None:
    """Runs `tf-salience export`."""
    method = option_values.method(options)
    model_path = option_values.model_path(options)
    vocabulary = option_values.vocabulary(options)
    class_names = option_values.class_names(options)
    version = () if options.version is None else (str(options.version),)
    files.check_replaceable(pathlib.Path(options.output, *version), overwrite=options.overwrite)
    if options.target == "label":
        raise ValueError(
            "The target 'label' cannot be exported, since a request has no labels; the signature "
            "`attributions_with_target` takes a class."
        )
    import_tensorflow()
    from tf_salience.export.saved_model import export_saved_model

    path = export_saved_model(
        load_model(model_path, options),
        options.output,
        method=method,
        tokenizer=make_tokenizer(vocabulary),
        target=options.target,
        embeddings=options.embeddings,
        class_names=class_names,
        output=options.head,
        max_rows="auto" if options.max_rows is None else options.max_rows,
        warm_up=options.warm_up,
        version=options.version,
        overwrite=options.overwrite,
    )
    print(printable(f"Wrote {path}. Its signatures:"))
    for name, signature in metadata.read_signature(path)["signatures"].items():
        inputs, outputs = (", ".join(signature[key]) for key in ("inputs", "outputs"))
        print(printable(f"  {name}: {inputs} -> {outputs}"))


def inspect(options: argparse.Namespace) -> None:
    """Runs `tf-salience inspect`."""
    model_path = option_values.model_path(options)
    vocabulary = option_values.vocabulary(options)
    import_tensorflow()
    from tf_salience.models.report import report

    model = load_model(model_path, options)
    print(report(model, embeddings=options.embeddings, tokenizer=make_tokenizer(vocabulary)))


def lit(options: argparse.Namespace) -> None:
    """Runs `tf-salience lit` until Ctrl-C."""
    model_path = option_values.model_path(options)
    data = option_values.texts(options)
    vocabulary = option_values.vocabulary(options)
    class_names = option_values.class_names(options)
    labels = None
    if data.labels is not None:
        labels = option_values.labels(argparse.Namespace(target="label"), data, class_names)
    option_values.check_free_port(options.host, options.port)
    import_tensorflow()
    from tf_salience import lit
    from tf_salience.explainer.explainer import Explainer

    explainer = Explainer(
        load_model(model_path, options),
        target=options.target,
        embeddings=options.embeddings,
        tokenizer=make_tokenizer(vocabulary),
        class_names=class_names,
        output=options.head,
        batch_size=options.batch_size,
    )
    server = lit.server_of(explainer, data.texts, labels, host=options.host, port=options.port)
    print(f"LIT is at http://{options.host}:{options.port} · Ctrl-C ends it.", flush=True)
    server.serve()


@contextlib.contextmanager
def _progress(label: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar on standard error; yields a function of the number that is done, and of all."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = (label, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done, _: bar.update(task, completed=done)
