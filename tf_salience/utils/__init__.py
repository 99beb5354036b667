"""Validation, warnings, files, arrays and text: what every other room may use."""
