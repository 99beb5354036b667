"""The environments of the peers: made once, kept in a folder, remade when their recipe changes."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import venv
from importlib import metadata

#: The packages of this environment that those peers share which run the same Keras model.
_SAME = ("tensorflow", "keras", "numpy")

#: Per environment, what pip installs, one call each. "KERAS" stands for this run's own versions.
RECIPES: dict[str, list[list[str]]] = {
    # LIT asks for numpy<2 and a web server; its gradient_maps needs neither.
    "lit": [
        ["KERAS", "absl-py>=1.4", "attrs>=22.1", "etils[epath]>=1.5"],
        ["--no-deps", "lit-nlp==1.3.1"],
    ],
    # alibi asks for numpy<2 and TensorFlow<2.15, and imports all its explainers at once.
    "alibi": [
        [
            "KERAS",
            "scikit-learn>=1.5,<2",
            "pandas>=2",
            "scikit-image>=0.24",
            "dill",
            "tqdm",
            "attrs",
            "matplotlib",
            "spacy>=3.8,<4",
            "transformers<5",
        ],
        ["--no-deps", "alibi==0.9.6"],
    ],
    "saliency": [["KERAS", "saliency==0.2.1"]],
    "captum": [["torch==2.13.0", "captum==0.9.0", "numpy"]],
}


class CannotInstallError(RuntimeError):
    """An environment could not be made; the message is pip's last word."""


def python_of(name: str | None, folder: pathlib.Path) -> pathlib.Path:
    """The interpreter of an environment, which is made if need be.

    Args:
        name: one of `RECIPES`, or None for the environment that runs this.
        folder: where the environments are kept.

    Raises:
        CannotInstallError: if pip cannot install what it needs.
    """
    if name is None:
        return pathlib.Path(sys.executable)
    place = folder / name
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    calls = _calls(name)
    recipe = hashlib.sha256(json.dumps([sys.version, calls]).encode()).hexdigest()
    made = place / "recipe.sha256"
    if made.is_file() and made.read_text() == recipe and python.is_file():
        return python
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=True)
    for call in calls:
        _pip(python, call)
    made.write_text(recipe)
    return python


def _calls(name: str) -> list[list[str]]:
    same = [f"{package}=={metadata.version(package)}" for package in _SAME]
    return [
        [part for word in call for part in (same if word == "KERAS" else [word])]
        for call in RECIPES[name]
    ]


def _pip(python: pathlib.Path, words: list[str]) -> None:
    ran = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", *words],
        check=False,
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        lines = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
        raise CannotInstallError(lines[-1] if lines else f"pip ended with code {ran.returncode}")
