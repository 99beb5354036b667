import random

import numpy as np
import pytest

from tf_salience.data.labelled_texts import LabelledTexts


@pytest.fixture(scope="session")
def learnable():
    """Texts with one decisive word, so that a tiny model learns them in seconds."""
    rng = random.Random(0)
    texts, labels = [], []
    for _ in range(400):
        label = rng.randrange(2)
        texts.append(f"the {rng.choice(['soup', 'film', 'room'])} was {('bad', 'good')[label]}")
        labels.append(label)
    return LabelledTexts(texts, np.array(labels))


@pytest.fixture(scope="session")
def trained(learnable):
    """A tiny model trained on these texts, and its epochs with their validation accuracy."""
    import keras

    from tf_salience.demo.model import TrainingConfig, text_classifier, train, word_vectorizer

    keras.utils.set_random_seed(0)
    vectorizer = word_vectorizer(learnable.texts, max_tokens=16)
    model = text_classifier(vectorizer, dim=16, heads=2, blocks=1)
    epochs = []
    train(
        model,
        learnable.take(range(300)),
        validation=learnable.take(range(300, 400)),
        config=TrainingConfig(epochs=12, patience=4, learning_rate=1e-2, dropout=0.1),
        on_epoch=lambda epoch, logs: epochs.append((epoch + 1, logs["val_accuracy"])),
    )
    return model, epochs


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The directory of the demo's data set, prepared, and what is loaded from it."""
    from tf_salience.demo.dataset import load_demo

    directory = tmp_path_factory.mktemp("tfds")
    return directory, load_demo(directory)
