"""How the embedded model was trained: its architecture, its lessons and its exam."""
