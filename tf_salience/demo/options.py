"""What can be asked of the demo."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass


@dataclass(frozen=True)
class DemoOptions:
    """Options of `run_demo`; without any it runs on its own data set.

    Attributes:
        data: a file of labelled texts to run on instead.
        tfds: name of a TensorFlow Datasets data set to run on instead.
        text_column: of `data`.
        label_column: of `data`.
        rating_column: of `data`.
        data_dir: where TFDS keeps prepared data; None is a temporary directory for the demo's own
            data set and TFDS' usual one for others.
        explain: explain at most this many held-out texts.
        max_texts: train on at most this many texts.
        epochs: train for at most this many; None is the demo's choice.
        seed: of the split, the training and the random score.
        save: where to keep the model, a `.keras` file.
        picture: where to draw the printed texts, a `.png` or `.svg` file.

    Raises:
        ValueError: for two sources of data, or numbers below one.
    """

    data: str | None = None
    tfds: str | None = None
    text_column: str = "text"
    label_column: str | None = None
    rating_column: str | None = None
    data_dir: str | None = None
    explain: int = 300
    max_texts: int = 20_000
    epochs: int | None = None
    seed: int = 0
    save: str | None = None
    picture: str | None = None

    def __post_init__(self) -> None:
        if self.data is not None and self.tfds is not None:
            raise ValueError(
                "Choose a file or a TFDS data set, not both. "
                f"Received: data={self.data!r}, tfds={self.tfds!r}"
            )
        for name in ("explain", "max_texts", "epochs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
        # Known now, so that nobody waits for a training whose result cannot be written.
        _check_suffix("save", self.save, (".keras",))
        _check_suffix("picture", self.picture, (".png", ".svg", ".pdf"))


def _check_suffix(name: str, path: str | None, suffixes: tuple[str, ...]) -> None:
    if path is None:
        return
    if pathlib.Path(path).suffix not in suffixes:
        raise ValueError(f"`{name}` must end in {' or '.join(suffixes)}. Received: {name}={path!r}")
    if not pathlib.Path(path).absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no directory for {name}={path!r}; make it first.")
