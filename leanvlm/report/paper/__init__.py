"""The section that lays what the grid reaches beside what EffiVLM-Bench printed for the same cells."""
