"""How each kind of model is shaped and trained."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Shape and training of a kind.

    Attributes:
        architecture: "minilm", or as in `build`.
        epochs: how often it sees the texts.
        rate: learning rate of AdamW.
        layers: how many LSTMs, convolutions or blocks.
        dim: size of the embeddings and of every hidden layer.
        words: the size of the vocabulary, the most frequent words first.
        tokens: longer texts are cut.
        in_front: whether texts are padded in front, all to `tokens`.
        batch_size: texts a batch.
        weight_decay: of AdamW.
        clip: the largest norm of all gradients; None: any.
        warm_up: the share of the steps in which the rate rises to `rate`, before it falls to 0 by
            a cosine; 0: it is constant.
    """

    architecture: str
    epochs: int
    rate: float
    layers: int = 4
    dim: int = 128
    words: int = 8000
    tokens: int = 64
    in_front: bool = False
    batch_size: int = 64
    weight_decay: float = 0.01
    clip: float | None = 1.0
    warm_up: float = 0.0


#: Near the best held-out accuracy, and under a minute each, but for MiniLM's fifteen. The two
#: "long" ones are padded to 200 tokens in front, as keras.io and `pad_sequences` do, and trained
#: for longer: seven to nine minutes each, and the hardest paths.
RECIPES = {
    "lstm": Recipe("lstm", 3, 2e-3, layers=1),
    "relu_cnn": Recipe("relu_cnn", 3, 1e-3, layers=2),
    "pre_ln": Recipe("pre_ln", 3, 5e-4),
    "post_ln": Recipe("post_ln", 3, 3e-4),
    "rms_norm": Recipe("rms_norm", 4, 1e-3),
    "stacked_bilstm": Recipe(
        "stacked_bilstm", 2, 1e-3, layers=2, words=20_000, in_front=True,
        batch_size=32, weight_decay=0.0, clip=None,
    ),
    "max_pool_bilstm": Recipe(
        "max_pool_bilstm", 2, 1e-3, layers=1, words=20_000, in_front=True,
        batch_size=32, weight_decay=0.0, clip=None,
    ),
    "stacked_bilstm_long": Recipe(
        "stacked_bilstm", 5, 1e-3, layers=2, words=20_000, tokens=200, in_front=True,
        batch_size=32, weight_decay=0.0, clip=None,
    ),
    "max_pool_bilstm_long": Recipe(
        "max_pool_bilstm", 5, 1e-3, layers=1, words=20_000, tokens=200, in_front=True,
        batch_size=32, weight_decay=0.0, clip=None,
    ),
    "minilm": Recipe("minilm", 2, 5e-5, layers=6, dim=384, words=30_522, tokens=128,
                     batch_size=32, warm_up=0.1),
}  # fmt: skip

KINDS = tuple(RECIPES)
