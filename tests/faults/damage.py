"""What happens to files: bits flip, ends are cut off, bytes are lost, and other files take their place."""

from __future__ import annotations

import random

KINDS = ("flip", "flips", "cut", "lose", "insert", "zeros", "empty")


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Change the bytes of a file; what comes out differs from what went in."""
    kind, at = rng.choice(KINDS), rng.randrange(len(content))
    if kind in ("flip", "flips"):
        found = bytearray(content)
        for place in [at, *(rng.randrange(len(content)) for _ in range(0 if kind == "flip" else 8))]:
            found[place] ^= 1 << rng.randrange(8)
        return bytes(found) if found != content else damaged(content, rng)
    end = min(len(content), at + rng.randint(1, 64))
    return {
        "cut": content[:at],
        "lose": content[:at] + content[end:],
        "insert": content[:at] + rng.randbytes(rng.randint(1, 8)) + content[at:],
        "zeros": content[:at] + bytes(end - at) + content[end:] if any(content[at:end]) else content[:at],
        "empty": b"",
    }[kind]
