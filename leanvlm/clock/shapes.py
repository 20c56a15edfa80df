"""Models of a known shape with random weights: timed without any download, and never graded.

A file of profiles/shapes says what the config.json and the preprocessor_config.json of a published checkpoint say, and
which words its prompts give a meaning. The tokenizer has these words and no others: text has the length of its words.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast
from transformers.initialization import no_init_weights

from leanvlm import files, plugins
from leanvlm.models._adapter import infer
from leanvlm.models._loading import refuse_device
from leanvlm.models._model import LoadedModel
from leanvlm.models._network import DTYPES
from leanvlm.processes.quiet import quiet
from leanvlm.shape_names import refuse_unknown

PLAIN = ("<pad>", "<s>", "</s>", "<unk>")
SPREAD = 0.02  # of the weights, as most models begin their training with


def load_shape(name: str, *, dtype: str, device: str) -> LoadedModel:
    """Make a model of random weights, the same ones each time.

    Raises: InputError for a name without a file, and for a device that is not here.
    """
    refuse_device(device)
    with _written(name) as (kind, folder):
        config, processor = kind.read_config(folder), kind.read_processor(folder)
    return kind(random_network(kind.network_class, config, dtype=dtype, device=device), processor)


def shape_of(name: str) -> tuple[type[LoadedModel], Any]:
    """Return a shape's adapter and configuration.

    Raises: InputError for a name without a file.
    """
    with _written(name) as (kind, folder):
        return kind, kind.read_config(folder)


@contextmanager
def _written(name: str) -> Iterator[tuple[type[LoadedModel], Path]]:
    refuse_unknown(name)
    told = json.loads((files.SHAPES / f"{name}.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as place, quiet():
        folder = Path(place)
        write(told, folder)
        yield plugins.load("models", infer(folder)), folder


def write(told: dict[str, Any], folder: Path) -> None:
    """Write a checkpoint folder without weights."""
    words = tokenizer(told["placeholder"], told["special"])
    ids = {key: words.convert_tokens_to_ids(word) for key, word in told["tokens"].items()}
    (folder / "config.json").write_text(json.dumps(told["config"] | ids))
    (folder / "preprocessor_config.json").write_text(json.dumps(told["pictures"]))
    words.save_pretrained(folder)


def tokenizer(placeholder: str, special: list[str] | dict[str, str]) -> PreTrainedTokenizerFast:
    """Make a tokenizer that knows special words alone; some families call theirs by name."""
    known = [*PLAIN, *(special.values() if isinstance(special, dict) else special)]
    made = Tokenizer(WordLevel({word: i for i, word in enumerate(known)}, unk_token="<unk>"))
    made.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=special,
        chat_template="{% for message in messages %}{% for part in message['content'] %}{{ '" + placeholder + "' if "
        "part['type'] == 'image' else part['text'] }}{% endfor %}{% endfor %}",
    )


@torch.no_grad()
def random_network(kind: Any, config: Any, *, dtype: str, device: str) -> Any:
    """Make a network straight on its device; norms are ones, biases zeros."""
    with quiet(), no_init_weights(), torch.device(device):
        network = kind._from_config(config, dtype=DTYPES[dtype])
    network.tie_weights()
    generator = torch.Generator(device).manual_seed(0)
    for name, weight in network.named_parameters():
        if weight.ndim > 1:
            weight.normal_(std=SPREAD, generator=generator)
        else:
            weight.fill_(0.0 if name.endswith("bias") else 1.0)
    return network
