"""Options of the demo, checked without TensorFlow."""

import pathlib
from dataclasses import dataclass


@dataclass(frozen=True)
class DemoOptions:
    """Options of `run_demo`, which by default uses its own data set.

    Attributes:
        data: file of labelled texts to use instead.
        tfds: name of a TensorFlow Datasets data set to use instead.
        text_column: column of `data` with the texts.
        label_column: column of `data` with classes.
        rating_column: column of `data` with numbers; those above 0 are positive.
        data_dir: directory of prepared TFDS data; None is a temporary one for the demo's own data
            set, and the default of TFDS for others.
        explain: maximum number of held-out texts to explain.
        max_texts: maximum number of texts to train on.
        epochs: maximum number of epochs; None is the demo's default.
        seed: seed of the split, the training and the random scores.
        save: where to write the model, a `.keras` file.
        picture: where to draw the printed texts, a `.png`, `.svg` or `.pdf` file.
        report: where to write the report, an `.html` file; None: nowhere.

    Raises:
        ValueError: if there are two sources of data, a number is below 1, or a suffix is wrong.
        FileNotFoundError: if the directory of `save`, `picture` or `report` does not exist.
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
    report: str | None = None

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
        # Checked before the training, which would be lost if its result could not be written.
        _check_path("save", self.save, (".keras",))
        _check_path("picture", self.picture, (".png", ".svg", ".pdf"))
        _check_path("report", self.report, (".html",))


def _check_path(name: str, path: str | None, suffixes: tuple[str, ...]) -> None:
    if path is None:
        return
    if pathlib.Path(path).suffix not in suffixes:
        raise ValueError(f"`{name}` must end in {' or '.join(suffixes)}. Received: {name}={path!r}")
    if not pathlib.Path(path).absolute().parent.is_dir():
        raise FileNotFoundError(
            f"The directory of {name}={path!r} does not exist. Create it first."
        )
