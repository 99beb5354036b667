"""Every public name has an example in its docstring, which runs and prints what it shows."""

import docstring_checks
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
    docstring_checks.check_examples(getattr(tfs_lit, name), namespace)


def test_the_reference_has_every_public_name():
    assert {*tfs_lit.__all__} <= docstring_checks.documented_names("lit_and_beam.md")
