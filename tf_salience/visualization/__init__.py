"""Tokens and scores as terminal text, HTML, Markdown and images."""
