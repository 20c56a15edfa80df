"""Whether a checkpoint can be faster at all: pruned weights that are stored like any other are run like any other.

Nothing here, nor in vLLM for its float formats, skips a zero: what a clock measures of such a checkpoint is noise.
"""

from __future__ import annotations

STORED_BYTES = 2  # of a weight in 16 bits, the type that checkpoints are written in
NO_FASTER = "smaller if packed, no faster here: its zeros are stored and run like any weight"


def no_faster(*, stored_bytes: int, n_weights: int) -> str | None:
    """Say why weights cannot be faster than the full model's; None where they are stored in fewer bits.

    Takes: stored_bytes and n_weights, of the decoder's linear layers, scales and zeros included.
    """
    return NO_FASTER if stored_bytes >= STORED_BYTES * n_weights else None
