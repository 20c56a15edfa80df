"""The bench of a pretrained decoder, with a tiny random one in its place: nothing is downloaded."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from leanvlm import files, plugins
from leanvlm.benches.decoder import __main__ as decoder
from leanvlm.benches.decoder import model, text
from leanvlm.errors import InputError, RunError
from leanvlm.models._loading import load_model
from leanvlm.training.architecture import build_image_processor, build_tokenizer

TOKENIZER = build_tokenizer()
IDS = TOKENIZER.convert_tokens_to_ids(["<image>", "<video>"])
SHAPE = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2}


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def llama(request: pytest.FixtureRequest) -> LlamaForCausalLM:
    config = LlamaConfig(vocab_size=len(TOKENIZER), num_hidden_layers=2, tie_word_embeddings=request.param, **SHAPE)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(config).eval()


def write_tiny(llama: LlamaForCausalLM, folder: Path) -> None:
    model.as_decoder(llama, image_id=IDS[0], video_id=IDS[1]).save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    build_image_processor().save_pretrained(folder)


def test_a_decoder_in_a_supported_architecture_computes_what_it_did(llama: LlamaForCausalLM, tmp_path: Path) -> None:
    ids = torch.randint(10, len(TOKENIZER), (1, 30), generator=torch.Generator().manual_seed(0))
    write_tiny(llama, tmp_path)
    loaded = load_model("llava_onevision", tmp_path)
    with torch.inference_mode():
        rounded = LlamaForCausalLM(llama.config).eval()
        rounded.load_state_dict({name: value.bfloat16().float() for name, value in llama.state_dict().items()})
        torch.testing.assert_close(loaded.model(input_ids=ids).logits, rounded(ids).logits)


def test_without_its_package_the_bench_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(model, "PACKAGE", "no_such_package")
    with pytest.raises(InputError, match="`make bench-decoder` fetches it"):
        model.write_checkpoint(tmp_path)


def test_outside_a_clone_the_bench_says_what_it_wants(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="run this in a clone"):
        decoder.commit()


def test_windows_share_no_token_and_prose_comes_once() -> None:
    paragraphs = text.paragraphs()
    assert len(paragraphs) == len(set(paragraphs)) > 500
    found = text.windows(TOKENIZER, 512)
    ids = TOKENIZER("\n\n".join(paragraphs), add_special_tokens=False).input_ids
    in_order = torch.tensor(ids[: len(ids) // 512 * 512]).view(-1, 1, 512)
    assert sorted(window.tolist() for window in found) == sorted(window.tolist() for window in in_order)
    first, second = text.take(found, 2), text.take(found, 2)
    assert not any(torch.equal(a, b) for a in first for b in second)
    with pytest.raises(InputError, match="ask for fewer"):
        text.take(found, 10_000)


def test_every_method_on_weights_and_cache_is_measured() -> None:
    missing = decoder.left_out([*decoder.WEIGHTS, *decoder.CACHE])
    assert not [name for name in missing if name.startswith(("weights/", "cache/"))]
    assert "tokens/fastv" in missing
    assert set(missing) <= set(plugins.ids("methods"))


def test_the_bench_prints_and_keeps_costs_orders_and_failures(
    llama: LlamaForCausalLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(decoder, "write_checkpoint", lambda folder: write_tiny(llama, folder))
    monkeypatch.setattr(decoder, "commit", lambda: "abc1234")
    monkeypatch.setattr(files, "BENCH", tmp_path)
    asked = ["--weights", "weights/magnitude@50%", "weights/wanda@50%", "weights/rtn@w4a16-g128"]
    asked += ["--cache", "cache/streaming@10%", "cache/streaming@10%:sinks=0"]
    monkeypatch.setattr(sys, "argv", ["decoder", "--windows", "2", "--calibration", "1", *asked])
    with pytest.raises(RunError, match="weights/rtn@w4a16-g128 could not be measured"):
        decoder.main()
    found = json.loads((tmp_path / "decoder.json").read_text())
    rows = {(row["acts_on"], row["recipe"]): row for row in found["rows"]}
    assert [recipe for acts_on, recipe in rows if acts_on == "weights"] == ["controls/full", *asked[1:3]]
    assert rows["cache", "controls/full"]["difference"] == 0
    assert rows["weights", "weights/magnitude@50%"]["difference"] != 0
    assert [order["claim"] for order in found["settings"]["orders"]] == [
        "weights/wanda@50% < weights/magnitude@50%",
        "cache/streaming@10% < cache/streaming@10%:sinks=0",
    ]
    assert found["settings"]["commit"] == "abc1234"
    assert "128 divides" in found["settings"]["failed"]["weights/rtn@w4a16-g128"]
    assert "weights/awq" in found["settings"]["left_out"]
    assert "weights/awq" in capsys.readouterr().out.partition("not measured")[2]
