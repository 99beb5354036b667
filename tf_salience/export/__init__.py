"""A SavedModel that explains itself, for servers that have neither this library nor Python."""

from tf_salience.export.saved_model import export_saved_model

__all__ = ["export_saved_model"]
