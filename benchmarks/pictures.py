"""The pictures of real reviews in the README, and the screenshots of a notebook.

    python -m benchmarks.pictures --data FILE [--cache FOLDER] [--output docs]

A fine-tuned MiniLM is explained on reviews that it was not trained on; the file is that of the
other benchmarks. The notebook is executed, converted and opened in headless Chromium. Needs
matplotlib, KerasHub, Jupyter's nbclient and nbconvert, selenium, and Debian's packages chromium and
chromium-driver.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbclient
import nbconvert
import nbformat
from selenium import webdriver

import tf_salience as tfs
from benchmarks import models
from tf_salience.data.files import read_file
from tf_salience.visualization.plot.axes import make_figure
from tf_salience.visualization.plot.sheet import save_sheet

CLASS_NAMES = ["negative", "positive"]
#: Numbers of held-out reviews in the file: that the model gets right, and wrong.
RIGHT = (579, 8955, 7498)
WRONG = (3590, 5049)
#: The review whose path is drawn.
PATH = 6664
_SIZE = (820, 860)


def explainer(trained: models.Trained, **arguments: Any) -> tfs.Explainer:
    """Makes an explainer by integrated gradients."""
    method = tfs.IntegratedGradients(**arguments)
    return tfs.Explainer(trained.model, method, class_names=CLASS_NAMES, **trained.explain)


def draw(explanation: tfs.Explanation, labels: Sequence[int], folder: Path) -> None:
    """Draws the reviews that the model gets right, and those that it gets wrong."""
    groups = []
    for salience, label in zip(explanation, labels, strict=True):
        wrongly = "" if salience.target == label else ", wrongly"
        title = f"labelled {CLASS_NAMES[label]}; the model says {salience.target_name}{wrongly}"
        groups.append((title, [("integrated gradients", salience)]))
    save_sheet(groups[: len(RIGHT)], folder / "reviews.png")
    save_sheet(groups[len(RIGHT) :], folder / "reviews_wrong.png")


def draw_path(explainers: Sequence[tfs.Explainer], text: str, file: Path) -> None:
    """Draws the path of one review for each explainer, side by side."""
    figure = make_figure(12.0, 3.6)
    for ax, explainer in zip(
        figure.subplots(1, len(explainers), sharey=True), explainers, strict=True
    ):
        tfs.plot.path(explainer, [text], ax=ax)
    figure.tight_layout()
    figure.savefig(file)


def photograph(explanation: tfs.Explanation, folder: Path) -> None:
    """Runs a notebook that shows the explanation, and takes a picture of it in both themes."""
    with tempfile.TemporaryDirectory() as temporary:
        explanation.save(Path(temporary, "explanation.json"))
        cells = [
            'import tf_salience as tfs\n\nexplanation = tfs.Explanation.load("explanation.json")',
            "explanation[0]",
            "explanation[1:]",
        ]
        notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
        resources = {"metadata": {"path": temporary}}
        nbclient.NotebookClient(notebook, resources=resources).execute()
        for theme in ("light", "dark"):
            body, _ = nbconvert.HTMLExporter(theme=theme).from_notebook_node(notebook)
            page = Path(temporary, f"{theme}.html")
            page.write_text(body, "utf-8")
            screenshot(page.as_uri(), folder / f"notebook_{theme}.png", _SIZE)


def screenshot(address: str, picture: Path, size: tuple[int, int]) -> None:
    """Opens a page in headless Chromium, and writes what is seen in a window of a size."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser")
    for argument in ("--headless=new", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    if os.getuid() == 0:
        options.add_argument("--no-sandbox")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as browser:
        browser.set_window_size(*size)
        browser.get(address)
        browser.save_screenshot(str(picture))


def main() -> None:
    """Makes all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="where trained models are kept")
    parser.add_argument("--output", type=Path, default=Path("docs"))
    options = parser.parse_args()
    reviews = read_file(options.data)
    trained = models.trained("minilm", reviews.texts, reviews.labels, cache=options.cache)
    chosen = [*RIGHT, *WRONG, PATH]
    if not set(chosen) <= set(trained.held_out.tolist()):
        raise ValueError(f"All reviews must be held out. Received: {chosen}")
    *texts, path_text = (reviews.texts[number] for number in chosen)
    automatic = explainer(trained)
    explanation = automatic(texts).merged()
    draw(explanation, [int(reviews.labels[number]) for number in chosen[:-1]], options.output)
    draw_path([explainer(trained, steps=8), automatic], path_text, options.output / "path.png")
    photograph(explanation, options.output)


if __name__ == "__main__":
    main()
