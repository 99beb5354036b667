"""How to install LIT: the error where it is imported and is not there."""

import contextlib
from collections.abc import Iterator

#: What LIT's server, its stock components and its page need beside tf_salience's own dependencies.
SERVER_PACKAGES = (
    "attrs",
    "pandas",
    "portpicker",
    "rouge-score",
    "sacrebleu",
    "scikit-learn",
    "werkzeug",
)
LIT = "lit-nlp==1.3.1"


@contextlib.contextmanager
def needs_lit() -> Iterator[None]:
    """Runs imports of LIT.

    Raises:
        ImportError: if LIT, or what it needs, is not installed; it says how to install both.
    """
    try:
        yield
    except ImportError as error:
        packages = " ".join(SERVER_PACKAGES)
        raise ImportError(
            f"`tf_salience.lit` needs LIT, and what LIT needs. Received: {error}. LIT 1.3.1 asks "
            "for numpy<2, so beside numpy 2 install it without its dependencies, and those by "
            f"name: `pip install --no-deps {LIT}` and `pip install {packages}`. In an environment "
            f"with numpy<2: `pip install {LIT}`."
        ) from error
