"""`write_report`: one page of HTML with explanations, that opens from the disk."""

from os import PathLike
from pathlib import Path
from typing import Any

from tf_salience.evaluation.evaluation import Evaluation
from tf_salience.reporting import loading, page, same_texts
from tf_salience.reporting.contents import report_contents, tables_of
from tf_salience.reporting.examples import examples_of
from tf_salience.utils import files, validation
from tf_salience.utils.validation import format_value

_SUFFIXES = (".html", ".htm")


def write_report(
    explanations: Any,
    filepath: str | PathLike[str],
    *,
    title: str | None = None,
    labels: Any = None,
    predictions: Any = None,
    class_names: Any = None,
    texts: Any = None,
    evaluation: Evaluation | None = None,
    summary: Any = None,
    limit: int | None = None,
) -> Path:
    """Writes explanations to one page of HTML, to be read in a browser without a network.

    The page has an overview (accuracy, convergence, the words with the highest and lowest mean
    salience), a list that can be searched, sorted and filtered, each example with its methods side
    by side, and a comparison of two runs. It needs the extra `report`; neither TensorFlow nor Keras
    is imported for saved explanations.

    Args:
        explanations: an `Explanation`; the path of a saved one, `.json` or `.parquet`; a folder of
            `explain_dataset`; a list of `SalienceMatrix`, (batch,); or a dict of several of these
            by name, of the same texts: methods, models, or targets. Those of one method and one
            model that differ in their target are shown as one, with a selector. At most 10,000
            examples.
        filepath: the file, `.html`. An existing file is replaced once the new one is complete.
        title: of the page.
        labels: (batch,) class indices or names, None or -1 where unknown; or the name of a column
            that the folder has kept.
        predictions: the same, of what the model said; a dict by the names of the runs where they
            differ. None: as the explanations tell it, which have the target "predicted" or
            explain every class.
        class_names: names of the classes; None: those of the explanations.
        texts: (batch,) the texts that were explained, in which the tokens are shown then; a tuple
            or dict of such lists for several segments; or the name of a column. None: those that
            the folder has kept, or none: then the tokens are shown alone.
        evaluation: what `evaluate` returned, shown as tables.
        summary: what `summarize` returned, shown as tables.
        limit: show the first examples only.

    Returns:
        The path of the file.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ImportError: without Jinja2, which the extra `report` installs.
        TypeError: for an argument of another kind.
        ValueError: for runs of different texts (the first that differs is named), more than 10,000
            examples, or labels, predictions or texts that do not fit them.

    Example:
        >>> explainer = tfs.Explainer(model, class_names=["negative", "positive"])
        >>> path = tfs.write_report(explainer(texts), "report.html", labels=labels, texts=texts)
        >>> path.read_text(encoding="utf-8").startswith("<!doctype html>")
        True
    """
    page.require_report()
    path = _checked_path(filepath)
    _check_tables(evaluation, summary)
    if title is not None and not isinstance(title, str):
        raise TypeError(f"`title` must be a string. Received: title={format_value(title)}")
    runs = loading.load_runs(
        explanations, None if limit is None else validation.positive_integer("limit", limit)
    )
    same_texts.check_same(runs)
    examples = examples_of(
        runs, labels=labels, predictions=predictions, class_names=class_names, texts=texts
    )
    tables = tables_of(evaluation, summary)
    text = page.render(report_contents(runs, examples, title=title, tables=tables))
    with files.atomic_file(path) as new:
        new.write_text(text, encoding="utf-8")
    return path


def _checked_path(filepath: Any) -> Path:
    """Returns the path, once it is certain that it can be written.

    Raises:
        TypeError: for anything but a path.
        ValueError: for another suffix.
        FileNotFoundError: if the folder does not exist.
    """
    if not isinstance(filepath, str | PathLike):
        raise TypeError(
            "`filepath` must be the path of a file, after `explanations`. Received: "
            f"filepath={format_value(filepath)} (of type {type(filepath).__name__})"
        )
    path = Path(filepath)
    if path.suffix.lower() not in _SUFFIXES or path.is_dir():
        raise ValueError(
            "`filepath` must be a file that ends in `.html`. "
            f"Received: filepath={format_value(str(path))}"
        )
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"The folder {format_value(str(path.parent))} does not exist. "
            f"Received: filepath={format_value(str(path))}. Create it first."
        )
    return path


def _check_tables(evaluation: Any, summary: Any) -> None:
    """Raises a TypeError for what has no tables."""
    if evaluation is not None and not isinstance(evaluation, Evaluation):
        raise TypeError(
            "`evaluation` must be what `evaluate` returns. Received: "
            f"{format_value(evaluation)} (of type {type(evaluation).__name__}). Load a saved one: "
            "`Evaluation.load`."
        )
    if summary is not None and not all(hasattr(summary, n) for n in ("headlines", "tables")):
        raise TypeError(
            "`summary` must be what `summarize` returns. "
            f"Received: {format_value(summary)} (of type {type(summary).__name__})"
        )
