"""Processes: children that die with their parent, one run at a time, quiet libraries."""
