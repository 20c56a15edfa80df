"""Seconds that a sceptic believes: each recipe alone, beside the full model, on a device whose limits are measured."""
