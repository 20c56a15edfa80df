"""The Prefect flows: what the UI runs, how cells and checkpoints are handed to workers, and the server behind both."""
