"""Every public name has an example in its docstring, which runs and prints what it shows."""

import doctest
import re
from pathlib import Path

import pytest

pytest.importorskip("lit_nlp", reason="needs LIT, in an environment of its own: tox -e lit")

import tf_salience as tfs
import tf_salience.lit as tfs_lit


@pytest.mark.parametrize("name", tfs_lit.__all__)
def test_examples_run(name, reviews, model, dataset, language_model):
    namespace = {
        **{public: getattr(tfs_lit, public) for public in tfs_lit.__all__},
        "tfs": tfs,
        "reviews": reviews,
        "model": model,
        "dataset": dataset,
        "causal_lm": language_model,
    }
    finder = doctest.DocTestFinder(recurse=False)
    (examples,) = finder.find(getattr(tfs_lit, name), name, globs=namespace)
    assert examples.examples, "no example"
    assert doctest.DocTestRunner().run(examples).failed == 0


def test_the_reference_has_every_public_name():
    page = Path(__file__).parents[2] / "docs" / "reference" / "lit_and_beam.md"
    documented = re.findall(r"^\.\. auto\w+:: tf_salience\.lit\.(\w+)$", page.read_text(), re.M)
    assert {*tfs_lit.__all__} <= {*documented}
