"""Ids and token strings: what a reader sees, and which ids are padding, special or unknown."""

from tf_salience.tokenizers.adapt import adapt
from tf_salience.tokenizers.preprocessors import Packed
from tf_salience.tokenizers.tokenizer import Spelling, Tokens

__all__ = ["Packed", "Spelling", "Tokens", "adapt"]
