"""Quantise a checkpoint to four bits, read its audit, and ask it: `python examples/compress.py`."""

import tempfile

from PIL import Image

import leanvlm

model = leanvlm.load("artifacts/models/embedded")
picture = Image.new("RGB", (144, 144), "blue")

with tempfile.TemporaryDirectory() as scratch:
    audit = leanvlm.compress(model, "weights/gptq@w4a16-g128", folder=f"{scratch}/compressed", calibration=8)
    print(f"{audit['n_quantised']} layers, {audit['bits_per_weight']:.3f} bits a weight, scales included")
    print(f"{audit['weights_bytes'] / audit['full_weights_bytes']:.1%} of the decoder's bytes")

    compressed = leanvlm.load(f"{scratch}/compressed")  # a plain Hugging Face folder
    for name, one in (("full", model), ("compressed", compressed)):
        print(name, leanvlm.answer(one, [picture], "what color is the shape?"))
    both = leanvlm.answer(compressed, [picture], "what color is the shape?", recipe="cache/snapkv@20%")
    print("compressed, with a fifth of the cache:", both)
