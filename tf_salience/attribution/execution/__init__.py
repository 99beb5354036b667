"""How rows are run: batches, chunks, compilation, memory, replicas."""
