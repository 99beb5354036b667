"""From what a user passes as `explanations` to runs: results, saved files, folders."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tf_salience.data.class_names import check_class_names
from tf_salience.explanation import records, shards
from tf_salience.explanation.explanation import Explanation
from tf_salience.explanation.salience_matrix import SalienceMatrix
from tf_salience.reporting import runs
from tf_salience.reporting.runs import Run
from tf_salience.utils.validation import format_value

#: The most examples of a report.
MOST_EXAMPLES = 10_000
#: The column of a shard with the number of the row in the source.
_ROW = "row"


def load_runs(explanations: Any, limit: int | None) -> list[Run]:
    """Returns the runs of a report; those that differ in their target alone are one.

    Args:
        explanations: as `write_report` takes it.
        limit: the most examples of each, the first ones; None: all of them.

    Raises:
        FileNotFoundError: if there is no such file, or a folder has no shards.
        ImportError: for Parquet without pyarrow.
        TypeError: for anything but explanations.
        ValueError: for no examples, or too many.
    """
    if not isinstance(explanations, Mapping):
        run = _load("", explanations, limit)
        return [replace(run, name=run.method or "explanation")]
    if not explanations or not all(isinstance(name, str) for name in explanations):
        raise TypeError(
            "`explanations` as a dict must have the name of each run, a string, as its keys, at "
            f"least one. Received: {format_value(list(explanations))}"
        )
    return merge_targets([_load(name, value, limit) for name, value in explanations.items()])


def merge_targets(all_runs: Sequence[Run]) -> list[Run]:
    """Makes one run of those of one method and model whose targets differ."""
    merged: list[Run] = []
    for run in all_runs:
        fits = [place for place, other in enumerate(merged) if _differ_in_target(other, run)]
        if fits:
            first = merged[fits[0]]
            name = f"{first.name}, {run.name}"
            merged[fits[0]] = replace(first, name=name, targets=first.targets + run.targets)
        else:
            merged.append(run)
    return merged


def _differ_in_target(first: Run, second: Run) -> bool:
    """True if two runs are of one method and model, and their targets differ."""
    ignored = ("target", "versions", "complete")
    facts, other_facts = (
        {key: value for key, value in run.config.items() if key not in ignored}
        for run in (first, second)
    )
    has_matrices = first.matrices is not None or second.matrices is not None
    if has_matrices or not first.config or facts != other_facts or first.tokens != second.tokens:
        return False
    configs = [target.config for target in first.targets]
    return all(target.config not in configs for target in second.targets)


def _load(name: str, explanation: Any, limit: int | None) -> Run:
    """Returns one run; `name` as `Run.name`."""
    if isinstance(explanation, str | os.PathLike):
        path = Path(explanation)
        if path.is_dir():
            return _of_folder(name, path, limit)
        if not path.exists():
            raise FileNotFoundError(
                "`explanations` must be saved explanations: a file, .json or .parquet, or a folder "
                f"of `explain_dataset`. Received: {format_value(str(path))}, which does not exist."
            )
        explanation = Explanation.load(path)
    total = _checked_total(name, explanation)
    _check_count(name, total, limit)
    if isinstance(explanation, Explanation):
        return runs.of_explanation(name, explanation[:limit], total)
    matrices = list(explanation)[:limit]
    return runs.of_matrices(name, matrices, total)


def _checked_total(name: str, explanation: Any) -> int:
    """Returns the number of examples.

    Raises:
        TypeError: for anything but an explanation.
    """
    if isinstance(explanation, Explanation):
        return len(explanation)
    is_list = isinstance(explanation, Sequence) and not isinstance(explanation, SalienceMatrix)
    if is_list and all(isinstance(matrix, SalienceMatrix) for matrix in explanation):
        return len(explanation)
    raise TypeError(
        "`explanations` must be an Explanation, a path of a saved one, a folder of "
        "`explain_dataset`, a list of SalienceMatrix, or a dict of these by name. Received: "
        f"{format_value(explanation)} (of type {type(explanation).__name__}){_called(name)}"
    )


def _check_count(name: str, total: int, limit: int | None) -> None:
    """Raises a ValueError for no examples, or more than a report takes."""
    count = total if limit is None else min(total, limit)
    if not count:
        raise ValueError(
            f"`explanations` must hold at least one example. Received: none{_called(name)}"
        )
    if count > MOST_EXAMPLES:
        raise ValueError(
            f"`explanations` must hold at most {MOST_EXAMPLES:,} examples for one page. Received: "
            f"{count:,} examples{_called(name)}. Pass `limit=10_000` for the first ones, "
            "or a slice of an Explanation: `explanation[10_000:20_000]`."
        )


def _called(name: str) -> str:
    return f" in {format_value(name)}" if name else ""


def _of_folder(name: str, folder: Path, limit: int | None) -> Run:
    """Reads the first rows of a folder of `explain_dataset`."""
    dataset = shards.open_shards(folder, records.COLUMNS)
    total = dataset.count_rows()
    _check_count(name or str(folder), total, limit)
    table = dataset.head(total if limit is None else min(total, limit))
    shards.check_rows(table, folder)
    columns = table.to_pydict()
    manifest = shards.read_manifest(folder)
    run = runs.of_columns(name, columns, _config(manifest), total=total)
    rows = columns.get(_ROW)
    return replace(
        run,
        columns={key: column for key, column in columns.items() if key not in records.COLUMNS},
        row_numbers=None if rows is None else np.array(rows, np.int64),
        source_rows=None
        if manifest is None
        else sum(shard["source_rows"] for shard in manifest["shards"]),
    )


def _config(manifest: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns what the manifest of a folder says of model and method, as `Explanation.config`."""
    if manifest is None:
        return {}
    job = manifest["job"]
    return {
        "model": job["model"]["name"],
        "weights": job["model"],
        "embeddings": job["explainer"].get("embeddings") or [],
        "method": job["method"],
        "target": job["target"],
        "output": job["explainer"].get("output"),
        "class_names": _class_names(job["explainer"].get("class_names")),
        "versions": manifest["versions"],
        "columns": job["columns"],
        "complete": manifest.get("complete"),
    }


def _class_names(value: Any) -> list[str] | None:
    """Returns the class names of a manifest, which holds them as they were passed to the job."""
    if isinstance(value, dict):
        # JSON has the indices of a dict, index to name, as strings.
        has_indices = all(isinstance(name, str) for name in value.values())
        value = {int(index): name for index, name in value.items()} if has_indices else value
    # The names of a large array are not kept.
    return check_class_names(value) if isinstance(value, dict | list) else None
