"""Last step of the demo: exports its model and compares the file's scores with the live model's."""

import pathlib

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.text import Text

from tf_salience.demo.run import DemoResult
from tf_salience.export.saved_model import export_saved_model
from tf_salience.utils.text import printable
from tf_salience.visualization import terminal

_METHOD = "integrated_gradients"


def export_and_compare(result: DemoResult, directory: pathlib.Path, console: Console) -> None:
    """Exports the demo's model, explains one text by the SavedModel and prints the difference.

    Args:
        result: the result of the demo.
        directory: where to write the SavedModel.
        console: where to print.
    """
    with console.status("Exporting the model"):
        path = export_saved_model(result.model, directory, method=_METHOD, overwrite=True)
        signature = tf.saved_model.load(str(path)).signatures["attributions"]
    outputs = signature(text=tf.constant(result.texts[:1]))
    mask = outputs["mask"]
    tokens = [token.decode() for token in outputs["tokens"][mask].numpy()]
    scores = outputs["scores"][mask].numpy()
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    console.out(
        f"\nExported as a SavedModel ({size / 1e6:.1f} MB), which needs neither Keras nor this "
        f"library. Its signature `attributions` says of "
        f"“{printable(result.texts[0])}”:"
    )
    render = terminal.colored if console.is_terminal else terminal.plain
    # A string would have `:heart:` replaced.
    text = Text.assemble(render(tokens, scores.tolist()))
    console.print(text, soft_wrap=True)
    difference = np.abs(scores - result.explanations[_METHOD][0].scores).max()
    console.out(f"The live model's scores, to {difference:.0e}.")
