# ruff: noqa: E501 (lines of the page)
"""Makes the page docs/works_on.md: `python tests/works_on.py [PAGE]`."""

import datetime
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import keras_io_models
from works_on_checks import Findings, examine

PAGE = Path(__file__).parents[1] / "docs" / "works_on.md"
HEADER = (
    "model", "inputs", "embeddings taken", "arguments of the printed call", "explained, in the "
    "first example", "completeness", "finite difference", "on padding", "callback", "export",
    "seconds",
)  # fmt: skip

TEXT = """# Works on

Small models in the shapes of [keras.io's NLP examples](https://keras.io/examples/nlp/), with random weights
([tests/keras_io_models.py](../tests/keras_io_models.py)). `python tests/works_on.py` makes this page. The test suite runs the same checks
on every model (`pytest tests/test_works_on.py`). For each model

1. `tfs.inspect(model)` prints a call. The call runs as it is printed, and its arguments are used in the next steps;
2. `tfs.explain` runs integrated gradients and gradient · input, and leaves the model as it was;
3. a `SalienceLogger` logs {examples} examples in an evaluation of one batch;
4. `export_saved_model` writes a SavedModel. It is loaded without the library, and its scores are compared.

```python
import keras
import tf_salience as tfs

ids = keras.Input((None,), dtype="int32", name="ids")
hidden = keras.layers.Embedding(50, 8, mask_zero=True)(ids)
model = keras.Model(ids, keras.layers.Dense(3)(keras.layers.GRU(8)(hidden)))
tfs.inspect(model)  # prints the same for your model
```

## What was seen

Measured on {date}, {machine}, Python {python}, {versions}; {seconds:.0f} s of processor time in total.

{table}

Each figure is the worst of {examples} examples.

- *Completeness*: |sum of scores - (F(x) - F(x'))| of integrated gradients with the default steps, relative to sum |scores|. F is computed by the
  model alone.
- *Finite difference*: the embeddings of each token are scaled by a small factor, and the change of the target is compared with the prediction of
  gradient · input, relative to sum |scores|.
- *On padding*: the share of sum |scores| on padding, where a model does not mask it.
- *Export*: the largest difference between a score of the SavedModel and the live one, relative to the largest score.
{export_note}
{notes}

## What does not work

An example that did not converge has `converged=False` and a warning, and it is included in the figures above. With random weights of this
size, ReLUs and maxima make many kinks along the path, for which 128 nodes are not always enough.

{failures}
"""

EXPORT_NOTE = """
\\* `Span` and `Position` are not exported, because each request has other positions. The export explains one output unit by a callable instead.
"""


def row(findings: Findings) -> str:
    """A model's row of the table."""
    figures = findings.figures

    def figure(name: str) -> str:
        return f"{figures[name]:.1e}" if name in figures else "failed"

    padding = figures.get("padding", 0.0)
    places = "Span" in findings.arguments or "Position" in findings.arguments
    cells = [
        findings.name,
        keras_io_models.CASES[findings.name].kind,
        f"`{findings.embeddings}`" if findings.embeddings else "none",
        f"`{findings.arguments}`" if findings.arguments else "",
        findings.target.replace("|", "\\|"),
        figure("completeness"),
        figure("finite difference"),
        f"{padding:.0%}" if padding >= 0.005 else "",
        "yes" if findings.is_logged else "failed",
        figure("export") + "*" * places,
        f"{findings.seconds:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def not_converged(findings: Findings) -> list[str]:
    """A line with the number of examples that did not converge, if there are any."""
    count = findings.converged.count(False)
    total = len(findings.converged)
    return [f"{count} of {total} examples did not converge"] * bool(count)


def page(all_findings: Sequence[Findings]) -> str:
    """The text of the page."""
    cases = keras_io_models.CASES
    rows = [f"| {' | '.join(HEADER)} |", "|---" * len(HEADER) + "|", *map(row, all_findings)]
    notes = [f"- {name}: {case.note}." for name, case in cases.items() if case.note]
    failures = [
        f"- {findings.name}: {shortcoming}"
        for findings in all_findings
        for shortcoming in (*findings.failures, *not_converged(findings))
    ]
    packages = ("tensorflow", "keras", "keras-hub", "tf-salience")
    return TEXT.format(
        examples=4,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        machine=f"{os.cpu_count()} cores of a CPU ({platform.machine()})",
        python=platform.python_version(),
        versions=", ".join(f"{name} {metadata.version(name)}" for name in packages),
        seconds=sum(findings.seconds for findings in all_findings),
        table="\n".join(rows),
        export_note=EXPORT_NOTE,
        notes="\n".join(notes),
        failures="\n".join(failures) or "Nothing: every model passed every check.",
    )


def main() -> None:
    """Examines every model and writes the page."""
    warnings.simplefilter("ignore")
    all_findings = []
    for name in keras_io_models.CASES:
        with tempfile.TemporaryDirectory() as folder:
            findings = examine(name, Path(folder))
        print(
            f"{findings.seconds:5.1f} s  {name}", *findings.failures, sep="\n         ", flush=True
        )
        all_findings.append(findings)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    target.write_text(page(all_findings), encoding="utf-8")


if __name__ == "__main__":
    main()
