"""Layers of one answer's cache: what grows, what is kept otherwise than whole, and how much that is."""
