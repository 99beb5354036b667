"""Models for the tests inside LIT: the demo's classifier, a tiny language model, and a server."""

import threading

import numpy as np
import pytest

import tf_salience as tfs
from tf_salience.data.labelled_texts import LabelledTexts
from tf_salience.demo import grammar

CLASSES = list(grammar.CLASS_NAMES)


@pytest.fixture(scope="session")
def sentences():
    """Sentences of the demo's grammar."""
    made = grammar.make_sentences(2600, seed=7)
    return LabelledTexts(
        [sentence.text for sentence in made],
        np.array([sentence.label for sentence in made]),
        tuple(CLASSES),
    )


@pytest.fixture(scope="session")
def reviews(sentences):
    """The demo's model, a transformer of two layers, after a few seconds of training."""
    import keras

    from tf_salience.demo.model import TrainingConfig, text_classifier, train, word_vectorizer

    keras.utils.set_random_seed(0)
    model = text_classifier(word_vectorizer(sentences.texts))
    train(
        model,
        sentences.take(range(2200)),
        validation=sentences.take(range(2200, 2400)),
        config=TrainingConfig(epochs=4, patience=4, learning_rate=2e-3, dropout=0.0),
        on_epoch=lambda epoch, logs: None,
    )
    return model


@pytest.fixture(scope="session")
def explainer(reviews):
    return tfs.Explainer(reviews, class_names=CLASSES)


@pytest.fixture(scope="session")
def model(explainer):
    """The demo's model as LIT sees it."""
    from tf_salience.lit import LitModel

    return LitModel(explainer)


@pytest.fixture(scope="session")
def dataset(model, sentences):
    """Held-out sentences with labels."""
    held_out = sentences.take(range(2400, 2440))
    return model.dataset(held_out.texts, held_out.labels)


@pytest.fixture(scope="session")
def language_model():
    """A tiny GPT-2 with random weights and a vocabulary of its own."""
    pytest.importorskip("keras_hub", reason="needs KerasHub, the extra `hub`")
    import keras_hub_models

    return keras_hub_models.seeded(keras_hub_models.language_model, "GPT2")


@pytest.fixture(scope="session")
def url(model, dataset, language_model):
    """The address of a LIT server with both models, on a port of its own."""
    from lit_nlp.api import layout
    from lit_nlp.examples.prompt_debugging import layouts
    from werkzeug.serving import make_server

    import tf_salience.lit as tfs_lit

    modules = layout.LitModuleName
    salience = layout.LitCanonicalLayout(
        upper={"Data": [modules.DataTableModule]},
        lower={"Salience": [modules.ClassificationModule, modules.SalienceMapModule]},
        layoutSettings=layout.LayoutSettings(mainHeight=30, hideToolbar=True),
    )
    prompts = tfs_lit.prompts(["the soup was"], [" good"])
    models = tfs_lit.sequence_models("gpt2", tfs.Explainer(language_model))
    app = tfs_lit.server(
        {"reviews": model, **models},
        {"held_out": dataset, "prompts": prompts},
        layouts={"salience": salience, **layouts.PROMPT_DEBUGGING_LAYOUTS},
        default_layout="salience",
        server_type="external",
    ).serve()
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
