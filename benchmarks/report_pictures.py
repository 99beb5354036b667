"""The screenshots of a report of real reviews in `docs/report.md`.

    python -m benchmarks.report_pictures --data FILE [--cache FOLDER] [--output docs]

A fine-tuned MiniLM is explained on reviews that it was not trained on; the file is that of the
other benchmarks. Needs KerasHub, the extra `report`, selenium, and Debian's packages chromium and
chromium-driver.
"""

import argparse
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import tf_salience as tfs
from benchmarks import models
from benchmarks.pictures import CLASS_NAMES, screenshot
from tf_salience.data.files import read_file

METHODS = ("integrated_gradients", "gradient_dot_input")
#: Held-out reviews in the report, the first ones.
_COUNT = 300
_SIZE = (1180, 1150)
#: The states of the page: its overview, and the reviews that the model gets wrong.
_VIEWS = {
    "report_light.png": {"theme": "light"},
    "report_dark.png": {"theme": "dark", "view": "examples", "wrong": 1},
}


def write_report(reviews: Path, cache: Path | None, page: Path) -> None:
    """Explains held-out reviews by both methods, and writes their report."""
    data = read_file(reviews)
    trained = models.trained("minilm", data.texts, data.labels, cache=cache)
    chosen = data.take(trained.held_out[:_COUNT])
    explanations = {
        method: tfs.Explainer(trained.model, method, class_names=CLASS_NAMES, **trained.explain)(
            chosen.texts
        )
        for method in METHODS
    }
    tfs.write_report(
        explanations, page, title="Movie reviews", labels=chosen.labels, texts=chosen.texts
    )


def main() -> None:
    """Makes both screenshots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="where trained models are kept")
    parser.add_argument("--output", type=Path, default=Path("docs"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        write_report(options.data, options.cache, page)
        for name, state in _VIEWS.items():
            screenshot(f"{page.as_uri()}#{urlencode(state)}", options.output / name, _SIZE)


if __name__ == "__main__":
    main()
