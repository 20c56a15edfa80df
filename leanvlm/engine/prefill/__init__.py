"""Prefill: the prompt is read once, tokens are dropped on the way, and the cache is filled."""
