"""The section that draws what is kept as the budget shrinks."""
