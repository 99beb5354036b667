"""Tokens and scores as a person sees them: terminal, notebook, picture."""
