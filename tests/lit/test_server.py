"""A real LIT server on loopback, asked over HTTP as its page asks."""

import urllib.request

import numpy as np
import pytest
from lit_requests import ask

pytest.importorskip("lit_nlp", reason="needs LIT, in an environment of its own: tox -e lit")


def test_the_page_and_what_it_asks_first(url):
    with urllib.request.urlopen(f"{url}/", timeout=60) as page:
        assert b"main.js" in page.read()
    info = ask(url, "get_info")
    assert info["models"]["reviews"]["datasets"] == ["held_out", "_union_empty"]
    names = info["models"]["reviews"]["interpreters"]
    assert {"Grad L2 Norm", "Grad ⋅ Input", "Integrated Gradients", "Occlusion", "LIME"} <= {*names}
    assert info["models"]["reviews"]["spec"]["output"]["probas"]["parent"] == "label"
    assert {"gpt2", "_gpt2_salience", "_gpt2_tokenizer"} <= set(info["models"])


@pytest.mark.parametrize("name", ["Grad L2 Norm", "Integrated Gradients", "Occlusion"])
def test_interpretations(url, name, model, explainer):
    examples = ask(url, "get_dataset", dataset_name="held_out")[:3]
    results = ask(
        url,
        "get_interpretations",
        {"inputs": [example["id"] for example in examples]},
        model="reviews",
        dataset_name="held_out",
        interpreter=name,
    )
    assert len(results) == 3
    for example, result in zip(examples, results, strict=True):
        salience = result["token_grads"]
        assert salience["tokens"] == example["data"]["text"].split()
        assert np.abs(salience["salience"]).sum() == pytest.approx(1, abs=1e-5)


def test_a_class_that_the_menu_sets_is_explained(url):
    (example, *_) = ask(url, "get_dataset", dataset_name="held_out")
    rows = []
    for name in ("negative", "positive"):
        changed = {"data": {**example["data"], "label": name, "_id": ""}, "id": "", "meta": {}}
        (result,) = ask(
            url,
            "get_interpretations",
            {"inputs": [changed], "config": {"Normalize": False}},
            model="reviews",
            dataset_name="held_out",
            interpreter="Integrated Gradients",
        )
        rows.append(result["token_grads"]["salience"])
    assert np.abs(np.subtract(*rows)).max() > 0.1


def test_sequence_salience(url):
    (example,) = ask(url, "get_dataset", dataset_name="prompts")
    (tokens,) = ask(
        url, "get_preds", {"inputs": [example]}, model="_gpt2_tokenizer", dataset_name="prompts"
    )
    mask = [0] * len(tokens["tokens"])
    mask[-1] = 1
    changed = {"data": {**example["data"], "target_mask": mask, "_id": ""}, "id": "", "meta": {}}
    (scores,) = ask(
        url,
        "get_preds",
        {"inputs": [changed]},
        model="_gpt2_salience",
        dataset_name="prompts",
        requested_types="TokenScores",
    )
    assert set(scores) == {"grad_l2", "grad_dot_input", "integrated_gradients", "occlusion"}
    for row in scores.values():
        assert len(row) == len(mask)
        assert row[-1] == 0
        assert np.abs(row).max() > 0
