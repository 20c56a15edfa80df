"""A sample with the pictures that it shows, which say what it is grouped with."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from leanvlm.sample import Sample


def shown(sample: Sample, images: tuple[bytes, ...]) -> Sample:
    """Add pictures; without a group of its own, a sample is of the group of all that show the same, or by itself."""
    same = hashlib.sha256(b"".join(images)).hexdigest()[:16] if images else sample.sample_id
    return replace(sample, images=images, group_id=sample.group_id or same)
