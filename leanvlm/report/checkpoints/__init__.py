"""The section that describes each compressed checkpoint."""
