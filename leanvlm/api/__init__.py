"""The public face: `leanvlm.load`, `answer`, `evaluate`, `compress` and `generate`, one file each."""
