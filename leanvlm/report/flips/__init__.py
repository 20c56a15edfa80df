"""The section that shows answers which a recipe turned."""
