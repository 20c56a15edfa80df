"""What stands between two answers is what the chat template says of the whole conversation, token by token."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.decoders import Metaspace as MetaspaceDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Metaspace
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from leanvlm.errors import InputError
from leanvlm.models._model import LoadedModel
from leanvlm.models._turns import between

ANSWER, NEXT = "three dogs", "and what is on the mat?"
CONVERSATION = [("user", "how many dogs are there?"), ("assistant", ANSWER), ("user", NEXT)]
SPECIALS = ("<s>", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>", "<end_of_utterance>")
EACH, TEXT, END = "{% for m in messages %}", "{% for p in m['content'] %}{{ p['text'] }}{% endfor %}", "{% endfor %}"
ASKING = "{% if add_generation_prompt %}"
TEMPLATES = {  # in the manner of published models
    "qwen": EACH + "<|im_start|>{{ m['role'] }}\n" + TEXT + "<|im_end|>\n" + END
    + ASKING + "<|im_start|>assistant\n{% endif %}",
    "llava": EACH + "{{ m['role'].upper() + ': ' }}" + TEXT + "{{ ' ' }}" + END + ASKING + "ASSISTANT:{% endif %}",
    "gemma": "<s>" + EACH + "<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n" + TEXT
    + "<end_of_turn>\n" + END + ASKING + "<start_of_turn>model\n{% endif %}",
    "idefics": "<|im_start|>" + EACH + "{{ m['role'] | capitalize }}: " + TEXT + "<end_of_utterance>\n" + END
    + ASKING + "Assistant:{% endif %}",
}  # fmt: skip
UNFIT = {
    "the last question alone": "{{ messages[-1]['content'][0]['text'] }}",
    "its rules with the last question": EACH + "{% if loop.last %}Be brief. {% endif %}" + TEXT + "|" + END,
    "one turn and no more": "{% if messages | length > 1 %}{{ raise_exception('one turn') }}{% endif %}" + EACH
    + TEXT + END,
    "answers in capitals": EACH + "{{ m['content'][0]['text'].upper() }}|" + END,
}  # fmt: skip


def learnt(words: Any, decoder: Any, more: str = "leanvlm") -> PreTrainedTokenizerFast:
    """Learn a tokenizer whose tokens are words and parts of words, as those of published models are."""
    made = Tokenizer(BPE())
    made.pre_tokenizer, made.decoder = words, decoder
    text = " ".join([*(said for _, said in CONVERSATION), "USER: ASSISTANT: User: Assistant: user assistant", more])
    alphabet = [*ByteLevel.alphabet(), *map(chr, range(32, 127)), "\n"]
    made.train_from_iterator([text] * 3, BpeTrainer(initial_alphabet=alphabet, special_tokens=list(SPECIALS)))
    made.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>")


TOKENIZERS = {
    "blanks before words": learnt(ByteLevel(add_prefix_space=False), ByteLevelDecoder()),
    "a blank before all": learnt(Metaspace(), MetaspaceDecoder()),
}


def processor(words: PreTrainedTokenizerFast, template: str) -> Any:
    apply = partial(words.apply_chat_template, chat_template=template, tokenize=False)
    return SimpleNamespace(tokenizer=words, apply_chat_template=apply)


def ids(made: Any, n_turns: int) -> list[int]:
    messages = [{"role": role, "content": [{"type": "text", "text": said}]} for role, said in CONVERSATION[:n_turns]]
    text = made.apply_chat_template(messages, add_generation_prompt=True)
    return made.tokenizer(text, add_special_tokens=False).input_ids  # type: ignore[no-any-return]


@pytest.mark.parametrize("words", TOKENIZERS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_prompt_answer_and_turn_are_the_whole_conversation(template: str, words: str) -> None:
    made = processor(TOKENIZERS[words], TEMPLATES[template])
    first, whole, turn = ids(made, 1), ids(made, 3), between(made, NEXT)
    assert whole[: len(first)] == first
    assert whole[-len(turn) :] == turn
    assert made.tokenizer.decode(whole[len(first) : -len(turn)]).strip() == ANSWER
    assert NEXT in made.tokenizer.decode(turn)


@pytest.mark.parametrize("template", UNFIT)
def test_a_template_that_cannot_go_on_is_refused_in_a_sentence(template: str) -> None:
    with pytest.raises(InputError, match=r"chat template cannot go on with a second turn \(.*\); ask single questions"):
        between(processor(TOKENIZERS["blanks before words"], UNFIT[template]), NEXT)


def test_a_turn_that_runs_into_the_answer_is_refused() -> None:
    """The tokenizer makes one token of the answer's last word and the question's first."""
    words = learnt(ByteLevel(add_prefix_space=False), ByteLevelDecoder(), more="leanvlmand")
    with pytest.raises(InputError, match="nothing that is a token of its own stands between"):
        between(processor(words, EACH + TEXT + END), NEXT)


def test_a_turn_of_the_embedded_model_ends_the_answer_and_asks(model: LoadedModel) -> None:
    said = model.tokenizer.convert_ids_to_tokens(model.turn("what is the total?"))
    assert (said[:2], said[-1]) == (["<|end|>", "<|user|>"], "<|assistant|>")
    assert "".join(said[2:-1]) == "what is the total?"


@pytest.mark.parametrize("mark", ["<image>", "<|end|>"])
def test_a_turn_holds_no_mark(model: LoadedModel, mark: str) -> None:
    with pytest.raises(InputError, match="takes for a picture or a turn"):
        model.turn(f"what is {mark} this?")
