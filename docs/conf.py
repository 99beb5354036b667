"""Sphinx' configuration; `tox -e docs` builds the site."""

import inspect
from typing import Any

from sphinx.util.inspect import stringify_signature

import tf_salience

project = "tf_salience"
author = "the authors of tf_salience"
project_copyright = author
version = release = tf_salience.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"tf_salience {version}"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# The tutorials are run with each build; an error in a cell is an error of the build.
nb_execution_mode = "force"
# What a tutorial saves does not stay in docs/.
nb_execution_in_temp = True
nb_execution_timeout = 240
nb_execution_raise_on_error = True
nb_merge_streams = True
# TensorFlow tells there what machine it runs on.
nb_output_stderr = "remove"

# Each wants an environment of its own, and their docstrings can be read without them.
autodoc_mock_imports = ["apache_beam", "lit_nlp", "tensorflow_model_analysis"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# "Attributes" of a class as a list, as its docstring has them.
napoleon_use_ivar = True

# Docstrings write `code` in single backticks, as Markdown does, and |x| for an absolute value.
default_role = "code"


def _escape_bars(*arguments: Any) -> None:
    """Keeps |x| from being read as a substitution; the lines are the last argument."""
    lines = arguments[-1]
    lines[:] = [
        line if line.lstrip().startswith((">>>", "...")) else line.replace("|", r"\|")
        for line in lines
    ]


def _own_arguments(*arguments: Any) -> tuple[str, None] | None:
    """Returns the arguments of a class whose base is mocked, which hides them."""
    _, what, _, value, _, shown, _ = arguments
    if what != "class" or shown != "(*args, **kwargs)":
        return None
    signature = inspect.signature(value.__init__)
    own = signature.replace(parameters=list(signature.parameters.values())[1:])
    return stringify_signature(own, show_annotation=False), None


def setup(app: Any) -> None:
    """Connects what Sphinx calls while it reads docstrings; before napoleon does."""
    app.connect("autodoc-process-docstring", _escape_bars, priority=400)
    app.connect("autodoc-process-signature", _own_arguments)
