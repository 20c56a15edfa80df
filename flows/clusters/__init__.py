"""Clusters, one kind a file: how a run joins one, how many tasks it takes at once, what a task asks of a worker."""
