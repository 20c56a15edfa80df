"""A recipe inside vLLM."""
