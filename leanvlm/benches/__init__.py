"""Benches: how much a sweep, and how much a method, costs. They print ratios measured side by side."""
