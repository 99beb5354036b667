"""Ids and token strings: what a reader sees, and which ids are padding, special or unknown."""

from tf_salience.tokens.adapt import adapt
from tf_salience.tokens.packing import Packed
from tf_salience.tokens.reading import Spelling, Tokens

__all__ = ["Packed", "Spelling", "Tokens", "adapt"]
