"""Which knob of difficulty explains a loss: one is turned at a time, and SQL compares the levels."""
