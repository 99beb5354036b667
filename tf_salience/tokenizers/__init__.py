"""Tokenizers: token ids to strings, texts to ids, and where each token is in its text."""
