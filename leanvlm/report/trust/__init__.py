"""The section that shows what becomes of trust: calibration, hallucination, format and the order of options."""
