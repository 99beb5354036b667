"""KerasHub models with random weights and vocabularies of their own, small enough for a test.

Word pieces, sentence pieces and byte pairs; classifiers, causal language models, an encoder with a
decoder.
"""

import functools
import io

import keras
import keras_hub
import sentencepiece

SENTENCES = (
    "the soup was good",
    "the waiter was playing loudly",
    "good soup and a bad waiter",
    "play the good song again",
    "a bad song was playing",
)
LENGTH = 16
SIZES = {"num_layers": 1, "hidden_dim": 8, "intermediate_dim": 16}
HEADS = {**SIZES, "num_heads": 2, "max_sequence_length": LENGTH + 2}
GROUPED = {**SIZES, "num_query_heads": 2, "num_key_value_heads": 1}

WORD_PIECES = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("the", "soup", "was", "good", "waiter", "play", "##ing", "loud", "##ly", "bad", "a", "song"),
    *("and", "again", "cat", "dog", "."),
]
MERGES = [
    "Ġ t",
    "h e",
    "Ġt he",
    "Ġ s",
    "o u",
    "ou p",
    "Ġs oup",
    "Ġ w",
    "a s",
    "Ġw as",
    "o o",
    "oo d",
    "Ġ g",
    "Ġg ood",
    "p l",
    "Ġ pl",
    "a y",
    "pl ay",
    "Ġpl ay",
    "i n",
    "in g",
    "Ġ a",
    "Ġ c",
    "Ġc a",
    "Ġca t",
    "Ġ d",
    "Ġd o",
    "Ġdo g",
]


def _byte_pairs(special_tokens):
    """A byte-level vocabulary: special tokens, all bytes, the results of the merges."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable]
    letters += [chr(256 + number) for number in range(256 - len(printable))]
    merged = ["".join(merge.split()) for merge in MERGES]
    tokens = list(dict.fromkeys([*special_tokens, *letters, *merged]))
    return {"vocabulary": {token: number for number, token in enumerate(tokens)}, "merges": MERGES}


@functools.cache
def sentence_pieces(**options):
    """A sentence piece model trained on the sentences, as bytes."""
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 4),
        model_writer=file,
        vocab_size=70,
        model_type="bpe",
        minloglevel=2,
        **options,
    )
    return file.getvalue()


_ALBERT = {
    "pad_id": 0, "unk_id": 1, "bos_id": 2, "eos_id": 3, "pad_piece": "<pad>", "unk_piece": "<unk>",
    "bos_piece": "[CLS]", "eos_piece": "[SEP]", "user_defined_symbols": "[MASK]",
}  # fmt: skip
_GEMMA = {
    "pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "pad_piece": "<pad>", "bos_piece": "<bos>",
    "eos_piece": "<eos>",
}  # fmt: skip
_MISTRAL = {"unk_id": 0, "bos_id": 1, "eos_id": 2}


def tokenizer(name):
    """The tokenizer of one of `CLASSIFIERS` or `LANGUAGE_MODELS`."""
    tokenizer_class = getattr(keras_hub.models, f"{name}Tokenizer")
    if name in ("Bert", "DistilBert"):
        return tokenizer_class(vocabulary=WORD_PIECES, lowercase=True)
    if name in ("Roberta", "Bart"):
        return tokenizer_class(**_byte_pairs(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
    if name == "GPT2":
        return tokenizer_class(**_byte_pairs(["<|endoftext|>"]))
    if name == "Llama3":
        special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>"]
        return tokenizer_class(**_byte_pairs([*special, "<|end_header_id|>", "<|eot_id|>"]))
    if name == "DebertaV3":
        return tokenizer_class(proto=sentence_pieces(**{**_ALBERT, "pad_piece": "[PAD]"}))
    if name == "Albert":
        return tokenizer_class(proto=sentence_pieces(**_ALBERT))
    if name == "Gemma":
        return tokenizer_class(proto=sentence_pieces(**_GEMMA))
    return tokenizer_class(proto=sentence_pieces(**_MISTRAL))  # Mistral, XLMRoberta


def backbone(name, size, length=LENGTH):
    """The backbone of one of the models, for `size` ids."""
    backbone_class = getattr(keras_hub.models, f"{name}Backbone")
    heads = {**HEADS, "max_sequence_length": length + 2}
    sizes = heads
    if name == "Albert":
        sizes = {**heads, "embedding_dim": 6}
    elif name == "DebertaV3":
        sizes = {**heads, "bucket_size": 4}
    elif name in ("Llama3", "Mistral"):
        sizes = GROUPED
    elif name == "Gemma":
        sizes = {**GROUPED, "head_dim": 4}
    return backbone_class(vocabulary_size=size, **sizes)


CLASSIFIERS = ("Bert", "DistilBert", "Roberta", "DebertaV3", "Albert", "XLMRoberta")
LANGUAGE_MODELS = ("GPT2", "Gemma", "Llama3", "Mistral")


def classifier(name, classes=3):
    """`BertTextClassifier` and its like, with their preprocessors."""
    its_tokenizer = tokenizer(name)
    preprocessor_class = getattr(keras_hub.models, f"{name}TextClassifierPreprocessor")
    return getattr(keras_hub.models, f"{name}TextClassifier")(
        backbone(name, its_tokenizer.vocabulary_size()),
        num_classes=classes,
        preprocessor=preprocessor_class(its_tokenizer, sequence_length=LENGTH),
    )


def language_model(name, length=LENGTH):
    """`GPT2CausalLM` and its like, or `BartSeq2SeqLM`."""
    its_tokenizer = tokenizer(name)
    task = "Seq2SeqLM" if name == "Bart" else "CausalLM"
    preprocessor_class = getattr(keras_hub.models, f"{name}{task}Preprocessor")
    lengths = (
        {"encoder_sequence_length": length, "decoder_sequence_length": length}
        if name == "Bart"
        else {"sequence_length": length}
    )
    return getattr(keras_hub.models, f"{name}{task}")(
        backbone(name, its_tokenizer.vocabulary_size(), length),
        preprocessor=preprocessor_class(its_tokenizer, **lengths),
    )


def seeded(build, *arguments, **keywords):
    """A model whose random weights are the same each time."""
    keras.utils.set_random_seed(3)
    return build(*arguments, **keywords)


def gemma3():
    """`Gemma3CausalLM` of texts alone, whose preprocessor has a packer of another kind."""
    image_tokens = "<start_of_image>,<end_of_image>,<start_of_turn>,<end_of_turn>,<img>"
    proto = sentence_pieces(**_GEMMA, user_defined_symbols=image_tokens)
    its_tokenizer = keras_hub.models.Gemma3Tokenizer(proto=proto)
    backbone = keras_hub.models.Gemma3Backbone(
        its_tokenizer.vocabulary_size(), image_size=16, vision_encoder=None, head_dim=4, **GROUPED
    )
    preprocessor = keras_hub.models.Gemma3CausalLMPreprocessor(
        its_tokenizer, sequence_length=LENGTH
    )
    return keras_hub.models.Gemma3CausalLM(preprocessor, backbone)
