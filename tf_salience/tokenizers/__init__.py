"""Ids and token strings: what a reader sees, and which ids are padding, special or unknown."""

from tf_salience.tokenizers.adapt import adapt
from tf_salience.tokenizers.preprocessors import PreprocessedTexts
from tf_salience.tokenizers.tokenizer import Tokenizer, TokenStrings

__all__ = ["Packed", "Spelling", "Tokens", "adapt"]
