"""The user's model: its inputs, outputs, segments and signature."""
