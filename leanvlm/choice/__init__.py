"""Choosing a recipe: the best one that meets what is demanded of accuracy, speed and memory, and why others do not.

`read` asks a store for the candidates; all else is a pure function of them, so that the command and the report choose
alike.
"""
