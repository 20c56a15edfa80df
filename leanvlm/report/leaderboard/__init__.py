"""The section that ranks all recipes."""
