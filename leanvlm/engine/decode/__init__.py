"""Decoding: several answers side by side, row by row on a CPU, jointly on CUDA."""
