"""The end of the demo: its model as a SavedModel, which is asked what the live model was asked."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from tf_salience.export.saved_model import export_saved_model
from tf_salience.visualization import terminal

if TYPE_CHECKING:
    from tf_salience.demo.run import DemoResult

_METHOD = "integrated_gradients"


def export_and_ask(result: DemoResult, folder: pathlib.Path, console: Console) -> None:
    """Exports the demo's model, loads the file, and asks its signature about one sentence.

    Args:
        result: of the demo.
        folder: where to write.
        console: where to print.
    """
    import tensorflow as tf

    with console.status("Exporting the model"):
        place = export_saved_model(result.model, folder, method=_METHOD, overwrite=True)
        served = tf.saved_model.load(str(place)).signatures["attributions"]
    text = result.texts[0]
    answer: dict[str, Any] = {
        name: value.numpy()[0] for name, value in served(text=tf.constant([text])).items()
    }
    real = answer["mask"]
    tokens = [token.decode() for token in answer["tokens"][real]]
    scores = answer["scores"][real]
    live = result.explanations[_METHOD][0].scores
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    console.print(
        f"\nExported as a SavedModel ({size / 1e6:.1f} MB), which needs neither Keras nor this "
        f"library. Its signature `attributions` says of “{text}”:",
        highlight=False,
        soft_wrap=True,
    )
    shown = terminal.colored if console.is_terminal else terminal.plain
    console.print(shown(tokens, scores.tolist()), markup=False, highlight=False, soft_wrap=True)
    difference = np.abs(scores - live).max()
    console.print(f"The live model's scores, to {difference:.0e}.", highlight=False, soft_wrap=True)
