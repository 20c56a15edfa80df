"""Benchmarks: one data set, one file; what several have in common lies in _*.py beside them."""
