"""Language models for LIT's sequence salience: which tokens made the model say this one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lit_nlp.api import dataset as lit_dataset
from lit_nlp.api import model as lit_model
from lit_nlp.api import types

from tf_salience.attribution.methods import METHODS, serialize
from tf_salience.explainer.explainer import Explainer
from tf_salience.lit.masked_tokens import MaskedTokens
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array

#: The names of LIT's own fields; its page starts with `grad_l2`, and colours `grad_dot_input` as
#: signed.
PROMPT, TARGET, TARGET_MASK, RESPONSE, TOKENS = (
    "prompt",
    "target",
    "target_mask",
    "response",
    "tokens",
)
_LIT_NAMES = {"gradient_norm": "grad_l2", "gradient_dot_input": "grad_dot_input"}
#: The methods by the names of their fields.
FIELDS = {_LIT_NAMES.get(method, method): method for method in METHODS}
_INPUT_SPEC = {PROMPT: types.TextSegment(), TARGET: types.TextSegment(required=False)}
#: LIT's page finds where a word starts by this sign.
_WORD_START = "\u2581"

Example = Mapping[str, Any]


def sequence_models(
    name: str,
    explainer: Explainer,
    *,
    methods: Sequence[str] = tuple(FIELDS.values()),
    max_length: int | None = None,
    compat: bool = False,
) -> dict[str, lit_model.Model]:
    """Makes the three models that LIT's sequence salience module wants of a language model.

    Any causal language model that `targets.Span` explains will do: every one of KerasHub, or a
    Keras model with a `tokenizer`. Its text is the prompt and the target, one after the other.

    Args:
        name: the model's name on the page.
        explainer: of the language model; its target is not used. A method of its own replaces the
            default of the same kind.
        methods: the methods on offer. All of them run when a token is clicked; "occlusion" takes a
            forward pass a token.
        max_length: the most tokens of prompt and response; None: as the preprocessor has it.
        compat: True: gradient · input is of the loss, as LIT's own wrapper has it, so that its sign
            is the opposite.

    Returns:
        The model that generates, and those that explain and tokenize, `_{name}_salience` and
        `_{name}_tokenizer`.

    Raises:
        ValueError: for a method that does not exist.

    Example:
        >>> models = sequence_models("gpt2", tfs.Explainer(causal_lm))
        >>> sorted(models)
        ['_gpt2_salience', '_gpt2_tokenizer', 'gpt2']
    """
    for method in methods:
        validation.check_one_of("methods", method, list(FIELDS.values()))
    tokens = _Tokenizer(explainer)
    return {
        name: _Generator(explainer, max_length),
        f"_{name}_salience": _Salience(
            explainer, tokens, methods, compat=validation.boolean("compat", compat)
        ),
        f"_{name}_tokenizer": tokens,
    }


def prompts(texts: Sequence[str], targets: Sequence[str] | None = None) -> lit_dataset.Dataset:
    """Makes a data set of prompts for LIT.

    Args:
        texts: the prompts.
        targets: texts that may follow them; None: the model's own answers alone are explained.

    Raises:
        ValueError: for another number of targets than texts.

    Example:
        >>> prompts(["the soup was"], [" good"]).examples
        [{'prompt': 'the soup was', 'target': ' good'}]
    """
    if targets is not None and len(targets) != len(texts):
        raise ValueError(
            "`targets` must hold one text for each prompt. Received: "
            f"{len(targets)} targets for {len(texts)} texts"
        )
    examples = [{PROMPT: text} for text in texts]
    for example, target in zip(examples, targets or (), strict=False):
        example[TARGET] = target
    fields = [PROMPT] if targets is None else [PROMPT, TARGET]
    return lit_dataset.Dataset({field: types.TextSegment() for field in fields}, examples)


class _Generator(lit_model.BatchedModel):
    """A language model that answers prompts, if it has `generate`; else with nothing."""

    def __init__(self, explainer: Explainer, max_length: int | None) -> None:
        self._model = explainer.model
        self._max_length = max_length

    def max_minibatch_size(self, **_: Any) -> int:
        return 16

    def input_spec(self) -> types.Spec:
        return dict(_INPUT_SPEC)

    def output_spec(self) -> types.Spec:
        return {RESPONSE: types.GeneratedText(parent=TARGET)}

    def predict_minibatch(self, inputs: Sequence[Example]) -> list[dict[str, Any]]:
        prompts = [example[PROMPT] for example in inputs]
        if not hasattr(self._model, "generate"):
            return [{RESPONSE: ""} for _ in prompts]
        length = {} if self._max_length is None else {"max_length": self._max_length}
        texts = self._model.generate(prompts, **length)
        return [
            {RESPONSE: text.removeprefix(prompt)}
            for text, prompt in zip(texts, prompts, strict=True)
        ]


class _Tokenizer(lit_model.BatchedModel):
    """The tokens of prompt and target, as the page and the salience model count them."""

    def __init__(self, explainer: Explainer) -> None:
        arguments = {**explainer.arguments, "method": "gradient_norm", "target": _first_logit}
        self._explainer = Explainer(**arguments)

    def max_minibatch_size(self, **_: Any) -> int:
        return 64

    def input_spec(self) -> types.Spec:
        return dict(_INPUT_SPEC)

    def output_spec(self) -> types.Spec:
        return {TOKENS: types.Tokens(parent="")}

    def predict_minibatch(self, inputs: Sequence[Example]) -> list[dict[str, Any]]:
        rows = []
        for _, forward, _ in self._explainer.forward_passes(_texts(inputs)):
            segment = forward.shown[-1]
            for ids, mask in zip(segment.ids, segment.mask, strict=True):
                strings, words = segment.tokenizer.token_strings(ids[np.flatnonzero(mask)])
                rows.append({TOKENS: _shown(strings, words)})
        return rows


class _Salience(lit_model.BatchedModel):
    """Scores of the tokens for those that are marked, by each method."""

    def __init__(
        self, explainer: Explainer, tokens: _Tokenizer, names: Sequence[str], *, compat: bool
    ) -> None:
        self._tokens = tokens
        self._compat = compat
        own = serialize(explainer.method)["class_name"]
        self._explainers = {
            field: Explainer(
                **{
                    **explainer.arguments,
                    "method": explainer.method if method == own else method,
                    "target": MaskedTokens(),
                }
            )
            for field, method in FIELDS.items()
            if method in names
        }

    def max_minibatch_size(self, **_: Any) -> int:
        return 16

    def input_spec(self) -> types.Spec:
        return {**_INPUT_SPEC, TARGET_MASK: types.TokenScores(align="", required=False)}

    def output_spec(self) -> types.Spec:
        return {
            **{field: types.TokenScores(align=TOKENS) for field in self._explainers},
            **self._tokens.output_spec(),
        }

    def predict_minibatch(self, inputs: Sequence[Example]) -> list[dict[str, Any]]:
        results = self._tokens.predict_minibatch(inputs)
        marks = _marks(inputs, [len(result[TOKENS]) for result in results])
        for result in results:
            result.update({field: [0.0] * len(result[TOKENS]) for field in self._explainers})
        marked = np.flatnonzero(marks.any(axis=1)).tolist()
        if not marked:
            return results
        texts = _texts([inputs[number] for number in marked])
        for field, explainer in self._explainers.items():
            sign = -1.0 if self._compat and field == "grad_dot_input" else 1.0
            for number, salience in zip(marked, explainer(texts, marks[marked]), strict=True):
                results[number][field] = (sign * salience.scores).tolist()
        return results


def _first_logit(outputs: Any) -> Any:
    """A target that any text has: the tokenizer explains nothing."""
    return outputs[:, 0, 0]


def _texts(inputs: Sequence[Example]) -> list[str]:
    return [example[PROMPT] + (example.get(TARGET) or "") for example in inputs]


def _marks(inputs: Sequence[Example], lengths: Sequence[int]) -> Array:
    """Returns the marked tokens of each example, (batch, tokens); never the first.

    Raises:
        ValueError: for more marks than tokens.
    """
    marks = np.zeros((len(inputs), max(2, *lengths)), bool)
    for row, (example, length) in enumerate(zip(inputs, lengths, strict=True)):
        mask = np.asarray(example.get(TARGET_MASK) or [], bool).reshape(-1)
        if len(mask) > length:
            raise ValueError(
                f"`{TARGET_MASK}` must have a mark for each token, {length} of them. "
                f"Received: {len(mask)}"
            )
        marks[row, : len(mask)] = mask
    marks[:, 0] = False
    return marks


def _shown(strings: Sequence[str], words: Sequence[int]) -> list[str]:
    """Returns token strings with the sign of a word's start, and with line breaks as such."""
    shown = []
    for number, (string, word) in enumerate(zip(strings, words, strict=True)):
        starts_word = number > 0 and word >= 0 and word != words[number - 1]
        text = string.replace("↵", "\n").replace("␣", _WORD_START)
        shown.append(f"{_WORD_START}{text}" if starts_word else text)
    return shown
