"""The section that shows which knob of difficulty explains a loss."""
