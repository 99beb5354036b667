"""The embedding layers of a model: the only place that knows how Keras runs layers.

The model is never cut or rebuilt. A hook stands in front of the embedding layer's `call` while the
model is traced, so that masks, positions and other inputs stay those of the real call; it is gone
when the trace ends, by an error or an interrupt too.
"""
