"""Models trained on labelled texts, each once: its weights are kept in a folder."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from benchmarks.models import minilm
from benchmarks.models.building import PROBABILITIES, build, token_embedding
from benchmarks.models.recipes import RECIPES, Recipe

Array = npt.NDArray[Any]

#: Where batches of like lengths are parted.
_BOUNDS = [12, 18, 24, 32, 44]


@dataclasses.dataclass(frozen=True)
class Untrained:
    """A model that has not seen the texts, and what belongs to it.

    Attributes:
        model: the Keras model.
        encode: texts -> what the model and the explainer take: ids (batch, tokens), or a dict.
        explain: keyword arguments of `tfs.explain` and `tfs.Explainer`.
        vocabulary: its words or word pieces, by id; 0 is padding.
    """

    model: keras.Model
    encode: Callable[[Sequence[str]], Any]
    explain: Mapping[str, Any]
    vocabulary: list[str]


@dataclasses.dataclass(frozen=True)
class Trained(Untrained):
    """A trained model and what belongs to it.

    Attributes:
        accuracy: on the held-out tenth, between 0 and 1.
        held_out: the numbers of the texts that it was not trained on.
    """

    accuracy: float
    held_out: npt.NDArray[np.int64]


def trained(
    kind: str,
    texts: Sequence[str],
    labels: Sequence[int],
    *,
    seed: int = 0,
    epochs: int | None = None,
    cache: Path | None = None,
    recipe: Recipe | None = None,
) -> Trained:
    """A model trained on nine tenths of some texts.

    Args:
        kind: one of `RECIPES`.
        texts: (batch,) texts.
        labels: (batch,) classes, from 0.
        seed: of the weights, of what is held out, and of the order.
        epochs: how often the texts are seen; None: as the recipe has it.
        recipe: another one than that of its kind.
        cache: a folder for the weights: a model is trained once for a recipe, a seed, texts and
            labels. The code of the models is no part of its name. None: it is trained anew.

    Raises:
        ImportError: if `kind` is "minilm" and what it needs is not installed.
        ValueError: for another kind.
    """
    if kind not in RECIPES:
        raise ValueError(f"`kind` must be one of {list(RECIPES)}. Received: kind={kind!r}")
    recipe = RECIPES[kind] if recipe is None else recipe
    if epochs is not None:
        recipe = dataclasses.replace(recipe, epochs=epochs)
    words, answers = np.asarray(texts, dtype=object), np.asarray(labels, np.int64)
    order = np.random.default_rng(seed).permutation(len(texts))
    held_out, seen = np.split(order, [max(1, len(texts) // 10)])
    make = _pretrained if recipe.architecture == "minilm" else _of_words
    untrained = make(recipe, words[seen], int(answers.max()) + 1, seed)
    folder = None if cache is None else cache / f"{kind}-{_key(recipe, texts, labels, seed)}"
    if folder is None or not (folder / "about.json").is_file():
        _fit(untrained, recipe, (words[seen], answers[seen]), seed)
        accuracy = _accuracy(untrained, words[held_out], answers[held_out])
        if folder is not None:
            _save(folder, untrained.model, {"kind": kind, "accuracy": accuracy, "seed": seed})
    else:
        with np.load(folder / "weights.npz") as arrays:
            untrained.model.set_weights([arrays[name] for name in arrays.files])
        accuracy = json.loads((folder / "about.json").read_text())["accuracy"]
    return Trained(**vars(untrained), accuracy=accuracy, held_out=held_out)


def _of_words(recipe: Recipe, texts: Array, classes: int, seed: int) -> Untrained:
    lengths = {"ragged": True} if recipe.in_front else {"output_sequence_length": recipe.tokens}
    vectorizer = keras.layers.TextVectorization(recipe.words, **lengths)
    vectorizer.adapt(texts, batch_size=1024)

    def encode(some: Sequence[str]) -> Array:
        ids = vectorizer(np.asarray(some, dtype=object))
        if recipe.in_front:
            return np.asarray(keras.utils.pad_sequences(ids.to_list(), recipe.tokens))
        return np.asarray(ids)

    vocabulary = vectorizer.get_vocabulary()
    model = build(
        recipe.architecture,
        len(vocabulary),
        tokens=recipe.tokens,
        dim=recipe.dim,
        layers=recipe.layers,
        classes=classes,
        seed=seed,
    )
    explain = {"embeddings": token_embedding(model), "pad_id": 0}
    return Untrained(model, encode, explain, vocabulary)


def _pretrained(recipe: Recipe, texts: Array, classes: int, seed: int) -> Untrained:
    del texts  # its vocabulary comes with its weights
    keras.utils.set_random_seed(seed)
    model = minilm.pretrained(classes, tokens=recipe.tokens)
    preprocessor = model.preprocessor

    def encode(some: Sequence[str]) -> dict[str, Array]:
        return {name: np.asarray(part) for name, part in preprocessor(list(some)).items()}

    explain = {"embeddings": token_embedding(model)}
    return Untrained(model, encode, explain, preprocessor.tokenizer.get_vocabulary())


def _fit(untrained: Untrained, recipe: Recipe, examples: tuple[Array, Array], seed: int) -> None:
    model = untrained.model
    inputs, labels = untrained.encode(examples[0]), examples[1]
    named = isinstance(inputs, dict)
    ids = inputs["token_ids"] if named else inputs
    batches = _batches(ids, labels, seed, recipe)
    model.compile(
        _optimizer(recipe, steps=recipe.epochs * int(batches.cardinality())),
        _loss(recipe, model),
        metrics=["accuracy"],
        jit_compile=False,  # on a CPU XLA takes longer, to compile and to run
    )
    if named:  # KerasHub's fit would tokenize what is ids already
        preprocessor, model.preprocessor = model.preprocessor, None
        batches = batches.map(lambda ids, label: (minilm.inputs(ids), label))
    model.fit(batches, epochs=recipe.epochs, shuffle=False, verbose=0)  # shuffled already
    if named:
        model.preprocessor = preprocessor


def _optimizer(recipe: Recipe, steps: int) -> keras.Optimizer:
    rate: Any = recipe.rate
    if recipe.warm_up:
        warming = int(recipe.warm_up * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warming, warmup_target=recipe.rate, warmup_steps=warming
        )
    return keras.optimizers.AdamW(
        rate, weight_decay=recipe.weight_decay, global_clipnorm=recipe.clip
    )


def _loss(recipe: Recipe, model: keras.Model) -> keras.Loss:
    if recipe.architecture not in PROBABILITIES:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if model.output_shape[-1] == 1:
        return keras.losses.BinaryCrossentropy()
    return keras.losses.SparseCategoricalCrossentropy()


def _batches(ids: Array, labels: Array, seed: int, recipe: Recipe) -> Any:
    """Batches of texts of about the same length, no wider than their longest."""
    size = recipe.batch_size
    if recipe.in_front:
        examples = tf.data.Dataset.from_tensor_slices((ids, labels))
        return examples.shuffle(len(ids), seed=seed).batch(size)
    lengths = np.maximum((ids != 0).sum(axis=1), 1)

    def generated() -> Any:
        for row, length, label in zip(ids, lengths, labels, strict=True):
            yield row[:length], label

    signature = (tf.TensorSpec((None,), tf.int64), tf.TensorSpec((), tf.int64))
    in_buckets = np.bincount(np.searchsorted(_BOUNDS, lengths, side="right"))
    return (
        tf.data.Dataset.from_generator(generated, output_signature=signature)
        .cache()
        .shuffle(len(ids), seed=seed)
        .bucket_by_sequence_length(
            lambda row, _: tf.shape(row)[0], _BOUNDS, [size] * (len(_BOUNDS) + 1)
        )
        .apply(tf.data.experimental.assert_cardinality(int(np.ceil(in_buckets / size).sum())))
    )


def _accuracy(untrained: Untrained, texts: Array, labels: Array) -> float:
    right = 0
    for some in np.array_split(np.arange(len(texts)), -(-len(texts) // 64)):
        outputs = np.asarray(untrained.model(untrained.encode(texts[some]), training=False))
        predicted = outputs.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > 0.5
        right += int((predicted == labels[some]).sum())
    return right / len(texts)


def _save(folder: Path, model: keras.Model, about: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Keras' own file would hold the optimizer's state too, twice the weights.
    np.savez(folder / "weights.npz", *model.get_weights())
    (folder / "about.json").write_text(json.dumps(about) + "\n")  # last: what has it is whole


def _key(recipe: Recipe, texts: Sequence[str], labels: Sequence[int], seed: int) -> str:
    """A name that changes with what a model is made of."""
    parts = [dataclasses.asdict(recipe), list(map(str, texts)), list(map(int, labels)), seed]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
