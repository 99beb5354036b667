"""`AttributionsExtractor`: salience of words in TensorFlow Model Analysis, a slice at a time."""

from typing import Any

import apache_beam as beam

from tf_salience.beam.explain import Explain
from tf_salience.explanation import words

try:
    import tensorflow_model_analysis as tfma
except ImportError as error:
    raise ImportError(
        "`tf_salience.beam.tfma` needs TensorFlow Model Analysis. Install it with `pip install "
        "'tf-salience[tfma]'`, in an environment of its own."
    ) from error


def AttributionsExtractor(explain: Explain, *, feature: str = "text") -> Any:
    """Returns an extractor that fills `tfma.ATTRIBUTIONS_KEY` for TFMA's attribution metrics.

    It goes before the last of the default extractors, `SliceKeyExtractor`: an extract is one
    example there, and the metrics read what is there by then. The attributions are the scores of
    each word, summed where it occurs more than once. So TFMA's `TotalAttributions` is the sum over
    the examples of a slice, and `MeanAttributions` that sum by the number of all examples of the
    slice, those without the word included.

    Args:
        explain: what explains; an example that cannot be explained ends the pipeline.
        feature: the feature that holds the text.

    Example:
        >>> extractors = tfma.default_extractors(eval_config=eval_config)
        >>> extractors.insert(-1, AttributionsExtractor(Explain("model.keras")))
    """
    return tfma.extractors.Extractor(
        stage_name="ExtractSalience", ptransform=_Extract(explain, feature)
    )


class _Extract(beam.PTransform):
    """From extracts of one example each to the same with attributions."""

    def __init__(self, explain: Explain, feature: str) -> None:
        super().__init__()
        self._explain, self._feature = explain, feature

    def expand(self, extracts: Any) -> Any:
        """Explains the text of each extract, which goes along as the key."""
        feature = self._feature

        def keyed(extract: dict[str, Any]) -> tuple[dict[str, Any], Any]:
            return extract, extract[tfma.FEATURES_KEY][feature].item()

        def with_attributions(extract: dict[str, Any], result: Any) -> dict[str, Any]:
            return {**extract, tfma.ATTRIBUTIONS_KEY: word_scores(result.inference)}

        return (
            extracts
            | "Text" >> beam.Map(keyed)
            | "Explain" >> self._explain
            | "Attributions" >> beam.MapTuple(with_attributions).with_output_types(dict[str, Any])
        )


def word_scores(row: dict[str, Any]) -> dict[str, float]:
    """Returns the score of each word of a row, pieces and repetitions added up.

    By words and never by positions: TFMA adds the arrays of a key, which must be of one length.
    """
    tokens, scores = row["tokens"], row["scores"]
    slices = [slice(number, number + 1) for number in range(len(tokens))]
    if row["words"] is not None:
        slices = words.word_slices(row["words"])
    sums: dict[str, float] = {}
    for word, pieces in zip(words.merge_tokens(tokens, slices), slices, strict=True):
        sums[word] = sums.get(word, 0.0) + sum(scores[pieces])
    return sums
