"""Models: one architecture, one file; what all have in common lies in _*.py beside them."""
