"""Benches: what sweeps, methods, metrics, checkpoints and serving cost, and what methods lose, side by side."""
