"""Explanations of whole data sets: read, explained and written shard by shard."""
