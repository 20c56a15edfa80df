"""Make prompts with AutoProcessor alone, in vLLM's environment: lines of JSON in, lists of token ids out."""

from __future__ import annotations

import json
import sys
from typing import Any

from PIL import Image
from transformers import AutoProcessor


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(prompt(**asked)), flush=True)


def prompt(folder: str, pictures: list[str], question: str) -> list[int]:
    processor: Any = AutoProcessor.from_pretrained(folder)
    content = [{"type": "image"}] * len(pictures) + [{"type": "text", "text": question}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    images = [Image.open(path).convert("RGB") for path in pictures]
    (ids,) = processor(images=[images], text=[text])["input_ids"]
    return list(ids)


if __name__ == "__main__":
    main()
