"""Explanations in an Apache Beam pipeline: `Explain`. Needs the extra `beam`."""

try:
    from tf_salience.beam.explain import Batching, Explain
except ImportError as error:
    if (error.name or "").partition(".")[0] != "apache_beam":
        raise
    raise ImportError(
        "`tf_salience.beam` needs Apache Beam. Install it with `pip install 'tf-salience[beam]'`."
    ) from error

__all__ = ["Batching", "Explain"]
