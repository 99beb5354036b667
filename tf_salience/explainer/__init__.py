"""`Explainer` and `explain`: the model, the target, the method and the result put together."""
