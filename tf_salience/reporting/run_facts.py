"""Model, layers, configuration, target and versions of a run, for the overview of a report."""

from collections.abc import Mapping, Sequence
from typing import Any

from tf_salience.reporting.runs import Run
from tf_salience.version import __version__


def facts(run: Run) -> list[list[str]]:
    """Returns pairs of a label and a value; the method's name stands beside them."""
    config = run.config
    method = config.get("method", {})
    pairs = [
        ("model", config.get("model")),
        ("embedding layers", ", ".join(config.get("embeddings") or [])),
        ("output", config.get("output")),
        *((name, _plain(value)) for name, value in method.get("config", {}).items()),
        ("target", ", ".join(dict.fromkeys(_target(t.config) for t in run.targets))),
        ("normalized", config.get("normalized")),
        ("job", "not finished" if config.get("complete") is False else None),
    ]
    return [[label, str(value)] for label, value in pairs if value not in (None, "", "[]")]


def versions(runs: Sequence[Run]) -> dict[str, str]:
    """Returns the versions that made the explanations, and of this package where they say none."""
    of_runs = {name: str(v) for run in runs for name, v in run.config.get("versions", {}).items()}
    return {"tf_salience": __version__, **of_runs}


def _target(config: Mapping[str, Any]) -> str:
    """Returns a target in the way it is written: `predicted`, `Margin(a=1, b=0)`."""
    if config.get("class_name") == "Unit":
        return _plain(config.get("which"))
    fields = {**config.get("config", {}), **config}
    ignored = ("class_name", "config", "code")
    arguments = [
        f"{name}={_target(value) if isinstance(value, Mapping) else _plain(value)}"
        for name, value in fields.items()
        if name not in ignored
    ]
    return f"{config['class_name']}({', '.join(arguments)})" if config else ""


def _plain(value: Any) -> str:
    """Returns a value, abbreviated where it is a long list."""
    if isinstance(value, list) and len(value) > 8:
        return f"{len(value):,} values"
    return str(value)
