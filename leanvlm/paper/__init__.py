"""EffiVLM-Bench, arXiv 2506.00479: what it printed, recomputed, and laid beside what a grid of ours reaches."""
