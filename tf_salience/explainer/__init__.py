"""`Explainer` and `explain`."""
