"""Validation, warnings, files and arrays: what every other room may use."""
