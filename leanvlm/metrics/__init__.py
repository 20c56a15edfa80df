"""Metrics: one number, one SQL query, its formula once; tally.py runs them all."""
