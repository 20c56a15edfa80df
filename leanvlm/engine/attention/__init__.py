"""Attention: one function that records what methods ask for, and the ways to attend that are faster somewhere."""
