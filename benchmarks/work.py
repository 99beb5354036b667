"""A piece of work as files, the same for every tool: a model's weights, ids, and what is explained.

Loading needs numpy alone, so that every environment can do it; the model itself needs Keras.
"""

import dataclasses
import hashlib
import json
import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Shape:
    """The arguments of `models.build`."""

    kind: str
    vocabulary: int
    tokens: int
    dim: int
    layers: int
    classes: int = 2
    seed: int = 0

    def model(self) -> Any:
        """A model of this shape, with random weights; its padding's embedding is zero.

        Tools that start their path at a sentence of padding then start at zero, as the others do.
        """
        from benchmarks import models

        arguments = dataclasses.asdict(self)
        model = models.build(arguments.pop("kind"), arguments.pop("vocabulary"), **arguments)
        _zero_padding(model)
        return model

    def inputs(self, ids: Array) -> Any:
        """What the model takes for ids (batch, tokens)."""
        if self.kind != "minilm":
            return ids
        from benchmarks.models import minilm

        return minilm.inputs(ids)


@dataclasses.dataclass(frozen=True)
class Work:
    """What is to be explained.

    Attributes:
        folder: where its files are.
        shape: of its model.
        ids: (batch, tokens), 0 is padding.
        target: (batch,), the class that is explained: the one that the model predicts.
        logits: (batch, classes), what the model says, to check a copy of it by.
        facts: what else is to be told of it.
    """

    folder: pathlib.Path
    shape: Shape
    ids: Array
    target: Array
    logits: Array
    facts: dict[str, Any]

    @property
    def mask(self) -> Array:
        """(batch, tokens), true for real tokens."""
        return self.ids != 0

    @property
    def weights(self) -> list[Array]:
        """The model's weights, in the order of `model.get_weights()`."""
        with np.load(self.folder / "weights.npz") as arrays:
            return [arrays[f"arr_{number}"] for number in range(len(arrays.files))]

    def model(self) -> Any:
        """The Keras model."""
        model = self.shape.model()
        model.set_weights(self.weights)
        return model

    @property
    def reference_file(self) -> pathlib.Path:
        """Where the attributions are that all others are measured by."""
        return self.folder / "reference.npy"


def save(folder: pathlib.Path, shape: Shape, model: Any, ids: Array, **facts: Any) -> Work:
    """Writes a piece of work."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = ids.astype(np.int32)
    logits = np.concatenate(
        [
            np.asarray(model(shape.inputs(some), training=False))
            for some in np.array_split(ids, -(-len(ids) // 8))
        ]
    )
    np.savez(folder / "weights.npz", *model.get_weights())
    np.savez(folder / "inputs.npz", ids=ids, logits=logits)
    about = {"shape": dataclasses.asdict(shape), "facts": facts}
    (folder / "work.json").write_text(json.dumps(about))  # last: what has it is whole
    return load(folder)


def load(folder: pathlib.Path) -> Work:
    """Reads a piece of work."""
    about = json.loads((folder / "work.json").read_text())
    with np.load(folder / "inputs.npz") as inputs:
        ids, logits = inputs["ids"], inputs["logits"]
    return Work(folder, Shape(**about["shape"]), ids, logits.argmax(axis=1), logits, about["facts"])


def real_tokens(cache: pathlib.Path) -> Work:
    """Work (a): 8 rows of 64 real tokens, a transformer with random weights."""
    shape = Shape("pre_ln", vocabulary=8000, tokens=64, dim=256, layers=4)
    folder = cache / f"a-{_key(shape)}"
    if (folder / "work.json").is_file():
        return load(folder)
    ids = np.random.default_rng(0).integers(1, shape.vocabulary, (8, shape.tokens))
    return save(folder, shape, shape.model(), ids)


def reviews(cache: pathlib.Path, data: pathlib.Path, *, sentences: int, epochs: int) -> Work:
    """Work (b): held-out sentences of their natural lengths, a transformer trained on the others.

    Args:
        cache: where works are kept.
        data: labelled texts, as the command's `--data` takes them.
        sentences: how many.
        epochs: of training.
    """
    return _of_reviews("pre_ln", cache / "b", data, sentences=sentences, epochs=epochs)


def pretrained(cache: pathlib.Path, data: pathlib.Path, *, sentences: int) -> Work:
    """Works (e) and (f): held-out sentences, MiniLM fine-tuned on the others.

    The embedding of padding is set to zero. Its attention mask leaves padding out, so that no logit
    changes.

    Args:
        cache: where works are kept, and the fine-tuned weights, whose making takes long.
        data: labelled texts, as the command's `--data` takes them.
        sentences: how many.
    """
    return _of_reviews("minilm", cache / "e", data, sentences=sentences, keep=cache / "models")


def _of_reviews(
    kind: str,
    place: pathlib.Path,
    data: pathlib.Path,
    *,
    sentences: int,
    epochs: int | None = None,
    keep: pathlib.Path | None = None,
) -> Work:
    """A work of held-out sentences; a key is added to the name of its place."""
    folder = place.with_name(f"{place.name}-{_key(data.read_bytes(), sentences, epochs)}")
    if (folder / "work.json").is_file():
        return load(folder)
    from benchmarks import models
    from tf_salience.data.files import read_file

    texts = read_file(data)
    if texts.labels is None:
        raise ValueError(f"The data must have labels or ratings. Received: {data}")
    trained = models.trained(kind, texts.texts, texts.labels.tolist(), epochs=epochs, cache=keep)
    inputs = trained.encode(np.asarray(texts.texts, object)[trained.held_out])
    ids = inputs["token_ids"] if isinstance(inputs, dict) else inputs
    ids = ids[ids.any(axis=1)][:sentences]
    _zero_padding(trained.model)
    recipe = models.RECIPES[kind]
    shape = Shape(
        kind,
        vocabulary=len(trained.vocabulary),
        tokens=ids.shape[1],
        dim=recipe.dim,
        layers=recipe.layers,
        classes=int(texts.labels.max()) + 1,
    )
    return save(folder, shape, trained.model, ids, accuracy=trained.accuracy, data=data.name)


def _zero_padding(model: Any) -> None:
    from benchmarks import models

    table = models.token_embedding(model).embeddings
    rows = np.array(table)
    rows[0] = 0.0
    table.assign(rows)


def _key(*parts: Any) -> str:
    """A name that changes with what a work is made of."""
    models = pathlib.Path(__file__).with_name("models")
    code = [pathlib.Path(__file__), *sorted(models.glob("*.py"))]
    whole = [repr(part).encode() for part in parts] + [file.read_bytes() for file in code]
    return hashlib.sha256(b"\0".join(whole)).hexdigest()[:12]
