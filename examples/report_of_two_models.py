"""Where do two models differ? A page of both, to be opened in a browser.

An LSTM and an average of embeddings are trained on sentences such as "the soup was not good" and
explained on the same texts. What to see: in the page, under "Compare", the texts whose scores moved
most have a negation, which the average cannot apply to the word behind it; its predictions of these
are wrong. It needs the extra `report`.

    python examples/report_of_two_models.py
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from explain_a_classifier import CLASS_NAMES, sentences, trained_classifier

import tf_salience as tfs

COUNT = 200


def averaging_classifier(vectorizer: keras.layers.Layer) -> keras.Model:
    """Trains a model that has the average of the embeddings, whatever the order of the words."""
    texts, labels = sentences()
    embedding = keras.layers.Embedding(vectorizer.vocabulary_size(), 16, mask_zero=True)
    classifier = keras.Sequential(
        [
            keras.Input((None,), dtype="int64"),
            embedding,
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.Adam(5e-3), loss, jit_compile=False)
    ids = vectorizer(tf.constant(texts))
    classifier.fit(ids, np.array(labels), batch_size=64, epochs=3, verbose=0)
    layers = [keras.Input((), dtype="string"), vectorizer, classifier]
    return keras.Sequential(layers, name="average")


def main() -> None:
    """Explains both models and writes their report."""
    lstm = trained_classifier()
    models = {"LSTM": lstm, "average": averaging_classifier(lstm.get_layer("words"))}
    texts, labels = (column[:COUNT] for column in sentences())
    explanations = {
        name: tfs.explain(model, texts, class_names=CLASS_NAMES) for name, model in models.items()
    }
    for name, explanation in explanations.items():
        print(f"{name}: {np.mean(explanation.target == labels):.0%} of {COUNT} right")
    page = Path(tempfile.mkdtemp(), "two_models.html")
    tfs.write_report(explanations, page, title="Two models", texts=texts, labels=labels)
    print(f"Open {page} in a browser.")


if __name__ == "__main__":
    main()
