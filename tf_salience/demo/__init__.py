"""The embedded example: its data set, its model, its run, and what it prints."""
