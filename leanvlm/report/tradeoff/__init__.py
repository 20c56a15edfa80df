"""The section that plots accuracy against speed and memory, and how a plot is drawn."""
