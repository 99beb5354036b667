"""`Evaluation`: what was measured of the explanations of a model, with save and load."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from tf_salience.evaluation import bootstrap, report
from tf_salience.explanation import storage
from tf_salience.utils.arrays import Array

#: The name of the ranking that every method is compared with.
RANDOM = "random"
_KIND = "evaluation"


@dataclass(frozen=True, eq=False)
class Measure:
    """One measure of all methods, by example.

    Attributes:
        values: (methods, examples), of the examples for which it is defined, `random` last.
        examples: (examples,), their numbers in the user's inputs.
    """

    values: Array
    examples: Array

    @property
    def means(self) -> Array:
        """The mean over the examples, (methods,)."""
        return self.values.mean(axis=1)

    @property
    def intervals(self) -> Array:
        """Bootstrap 95 % intervals of the means over the examples, (methods, 2)."""
        return bootstrap.interval(self.values)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured of the explanations of a model; prints as tables.

    Attributes:
        methods: the names of the explained methods; every measure has `random` beside them.
        measures: `Measure` by name; see `evaluate` for what each is.
        curves: (methods, shares) by name, `deletion` and `insertion`: the mean output at each of
            `shares`, with `random` last.
        shares: (shares,), the shares of the tokens, from 0 to 1.
        agreement: (methods, methods), the mean Kendall's tau of each two methods' scores; none of
            `random`.
        sanity: by method the correlations of its scores with those of the model as its weights
            were randomised, `cascading` and `independent`, (layers,) each; {} where not asked for.
        layers: the names of the layers whose weights were randomised, the output's first.
        cost: by method `seconds`, `forward` and `backward` passes; those of the measures are
            under `measures`.
        examples: the number of examples.
        left_out: how many of them have fewer than two tokens, and so no order.
        config: eraser, scale, beam, model, target and versions.

    Example:
        >>> evaluation = tfs.evaluate([tfs.Explainer(model, "gradient_norm")], texts)
        >>> evaluation.save("evaluation.json")
        >>> tfs.Evaluation.load("evaluation.json").methods
        ['gradient_norm']
    """

    methods: list[str]
    measures: dict[str, Measure]
    curves: dict[str, Array]
    shares: Array
    agreement: Array
    sanity: dict[str, dict[str, Array]]
    layers: list[str]
    cost: dict[str, dict[str, float]]
    examples: int
    left_out: int
    config: dict[str, Any]

    @property
    def unnoticing(self) -> list[str]:
        """The methods whose scores stay much as they were when all weights are random."""
        return [
            method
            for method, correlations in self.sanity.items()
            if correlations["cascading"][-1] > report.NOTICED
        ]

    def __rich__(self) -> Any:
        """Returns the tables, for `rich.print` and rich consoles."""
        return report.as_rich(self)

    def __str__(self) -> str:
        return report.as_text(self)

    def __repr__(self) -> str:
        return f"<Evaluation of {', '.join(self.methods)} on {self.examples} examples>"

    def _repr_html_(self) -> str:
        return report.as_html(self)

    def arrays(self) -> dict[str, Array]:
        """Returns all that was measured as arrays by name.

        For a measure (methods, examples), under `examples/<name>` the numbers of the examples,
        under `means/<name>` (methods,) and `intervals/<name>` (methods, 2); `agreement`, `shares`,
        `curves/<name>` and `sanity/<method>/<name>` as they are here.
        """
        arrays = {"agreement": self.agreement, "shares": self.shares}
        for name, measure in self.measures.items():
            arrays[name], arrays[f"examples/{name}"] = measure.values, measure.examples
            arrays[f"means/{name}"] = measure.means
            arrays[f"intervals/{name}"] = measure.intervals
        arrays |= {f"curves/{name}": curve for name, curve in self.curves.items()}
        for method, correlations in self.sanity.items():
            arrays |= {f"sanity/{method}/{name}": row for name, row in correlations.items()}
        return arrays

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the evaluation to a file, `.json` or `.parquet` as its suffix says.

        Raises:
            ValueError: for another suffix.
            ImportError: for `.parquet` without pyarrow, which the extra `parquet` installs.
        """
        columns: dict[str, list[Any]] = {"example": list(range(self.examples))}
        for name, measure in self.measures.items():
            rows: list[Any] = [None] * self.examples
            for example, values in zip(measure.examples, measure.values.T, strict=True):
                rows[int(example)] = values.tolist()
            columns[name] = rows
        rest = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del rest["measures"]
        header = {**_plain(rest), "measures": list(self.measures)}
        storage.write_table(Path(path), storage.Table(header, columns), _KIND)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Evaluation":
        """Reads an evaluation that `save` wrote.

        Raises:
            ValueError: for another suffix, or a file that holds no evaluation.
            ImportError: for `.parquet` without pyarrow.
        """
        table = storage.read_table(Path(path), _KIND)
        header = dict(table.header)
        measures = {}
        for name in header.pop("measures"):
            column = table.columns[name]
            examples = [number for number, values in enumerate(column) if values is not None]
            values = np.array([column[number] for number in examples], np.float64).T
            measures[name] = Measure(values, np.array(examples, np.int64))
        for name in ("agreement", "shares"):
            header[name] = np.array(header[name], np.float64)
        header["curves"] = _arrays(header["curves"])
        header["sanity"] = {name: _arrays(rows) for name, rows in header["sanity"].items()}
        return cls(measures=measures, **header)


def _plain(value: Any) -> Any:
    """Turns arrays in nested dicts into lists."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def _arrays(values: Mapping[str, Any]) -> dict[str, Array]:
    return {name: np.array(row, np.float64) for name, row in values.items()}
