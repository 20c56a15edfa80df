"""What a recipe gives whoever serves a model with vLLM: `make bench-serving`."""
