"""Engine: pictures are seen (vision), prompts read (prefill), caches kept (cache) and answers decoded (decode).

One sample and many recipes walk through all of it in `sweep`; what recipes share is done once (`tree`).
"""
