"""The bench of servers: its client against a server whose times are set, its figures against plain arithmetic."""

from __future__ import annotations

import base64
import json
import statistics
import sys
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image

from leanvlm import files
from leanvlm.benches.serving import __main__ as serving
from leanvlm.benches.serving.bench import Asked, work_of
from leanvlm.benches.serving.client import Burst, Streamed, body, burst, model_of
from leanvlm.benches.serving.figures import Limits, percentiles, row
from leanvlm.benches.serving.server import Server
from leanvlm.choice.kernels import NO_FASTER, no_faster
from leanvlm.errors import InputError, RunError
from leanvlm.processes.ports import free_port
from leanvlm.recipes import parse
from leanvlm.sample import Sample
from tests.benches.streaming import Streaming, event, reply, streaming

PAUSE, SLACK = 0.05, 0.2  # seconds; the second is what a loaded machine may take longer


@pytest.fixture
def fake() -> Iterator[Streaming]:
    with streaming() as one:
        yield one


def test_times_are_those_that_the_server_takes(fake: Streaming) -> None:
    fake.first_seconds, fake.token_seconds = 4 * PAUSE, PAUSE
    [answer] = burst(fake.url, [b"{}"], concurrency=1).answers
    assert (answer.text, answer.new_tokens) == ("abc", 4)
    assert 4 * PAUSE <= answer.first_seconds < 4 * PAUSE + SLACK
    assert 7 * PAUSE <= answer.last_seconds < 7 * PAUSE + SLACK  # three further tokens, the last of which ends it
    assert answer.token_seconds == pytest.approx((answer.last_seconds - answer.first_seconds) / 3)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_so_many_are_asked_side_by_side_and_never_more(fake: Streaming, concurrency: int) -> None:
    fake.first_seconds = PAUSE
    found = burst(fake.url, [b"{}"] * 8, concurrency=concurrency)
    assert (len(found.answers), fake.most_at_once) == (8, concurrency)
    assert found.seconds >= 8 / concurrency * PAUSE


def test_a_request_shows_the_picture_and_asks_the_question(fake: Streaming) -> None:
    sample = Sample(sample_id="s", question="before <image> after", images=(Image.new("RGB", (3, 2), "red"),))
    burst(fake.url, [body(sample, model=model_of(fake.url), limit=7)], concurrency=1)
    [asked] = fake.bodies
    assert (asked["model"], asked["max_tokens"], asked["temperature"], asked["stream"]) == ("fake", 7, 0, True)
    before, picture, after = asked["messages"][0]["content"]
    assert (before["text"], after["text"]) == ("before ", " after")
    kind, _, data = picture["image_url"]["url"].partition(",")
    assert kind == "data:image/png;base64"
    assert Image.open(BytesIO(base64.b64decode(data))).getpixel((2, 1)) == (255, 0, 0)


def breaks_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    event(handler, {"choices": [{"delta": {"content": "a"}}]})


def fails_on_the_way(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    event(handler, {"error": {"message": "out of memory"}})


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        (partial(reply, status=400, content="no such\nmodel"), r"sent status 400: no such\\nmodel$"),
        (partial(reply, status=200, content="data: <html>"), r"sent a line that is no JSON: <html>$"),
        (partial(reply, status=200, content=""), r"sent an answer that is not whole: $"),
        (breaks_off, r"is not there or broke off \(.+\); start it, or read its log$"),
        (fails_on_the_way, r"sent an error: .*out of memory"),
    ],
)
def test_a_server_that_does_not_answer_is_one_sentence(fake: Streaming, instead: object, said: str) -> None:
    fake.instead = instead  # type: ignore[assignment]
    with pytest.raises(RunError, match=said):
        burst(fake.url, [b"{}"] * 3, concurrency=2)


def test_a_server_that_was_started_here_is_told_with_its_log(fake: Streaming) -> None:
    fake.instead = breaks_off
    asked = Asked("a/recipe", Server(fake.url, log=Path("its.log")), "model")
    with pytest.raises(RunError, match=r"^a/recipe: the server at .* read its log its\.log$"):
        asked.ask([b"{}"], 1)


def test_a_server_that_counts_no_tokens_is_refused(fake: Streaming) -> None:
    fake.usage = None
    with pytest.raises(RunError, match="sent an answer that is not whole: abc"):
        burst(fake.url, [b"{}"], concurrency=1)


def test_no_server_is_one_sentence() -> None:
    with pytest.raises(RunError, match="is not there or broke off"):
        model_of(f"http://127.0.0.1:{free_port()}")


def test_percentiles_are_those_of_the_standard_library() -> None:
    seconds = [0.3, 0.1, 0.7, 0.2, 0.9, 0.4, 0.8]
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    assert percentiles(seconds) == pytest.approx((cuts[49], cuts[98]))


def said(text: str, first: float, last: float, tokens: int = 3) -> Streamed:
    return Streamed(text, tokens, first, last)


def test_a_row_is_plain_arithmetic() -> None:
    full = [Burst((said("x", 0.5, 0.9), said("y", 0.5, 0.9)), 2.0), Burst((said("z", 0.5, 0.9),) * 2, 1.0)]
    own = [Burst((said("x", 0.1, 0.5), said("n", 0.4, 0.6)), 1.0), Burst((said("z", 0.2, 0.2, 1),) * 2, 0.25)]
    found = row("r", 8, own, beside=full, limits=Limits(0.3, 0.15), memory=[5, None, 7])
    assert found.answers_per_second == (3.5, 5.0, 6.5)  # 2, then 8
    assert found.times_full == (2.5, 3.0, 3.5)  # 2 over 1 and 8 over 2
    assert found.good_per_second == (2.0, 4.0, 6.0)  # 0.2 s between tokens, then 0.4 s to the first; both in time
    assert found.tokens_per_second == (6.5, 7.0, 7.5)
    assert found.first_seconds == pytest.approx((0.2, 0.2 + 0.97 * 0.2))
    assert found.token_seconds == pytest.approx((0.15, 0.2 * 0.99 + 0.1 * 0.01))
    assert (found.same_share, found.memory_bytes, found.n_answers) == (0.75, 7, 4)
    alone = row("full", 8, full)
    assert (alone.times_full, alone.good_per_second, alone.same_share, alone.memory_bytes) == (None, None, None, None)


def test_memory_is_of_the_processes_below() -> None:
    child = "b = bytearray(b'x' * 50_000_000); print(flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    pipes = {"stdin": psutil.subprocess.PIPE, "stdout": psutil.subprocess.PIPE}
    with psutil.Popen([sys.executable, "-c", parent], **pipes) as process:
        process.stdout.readline()
        held = Server("", psutil.Process(process.pid)).memory_bytes()
        process.stdin.write(b"\n")
    assert held is not None
    assert 50_000_000 < held < 100_000_000


def test_what_is_stored_in_16_bits_is_no_faster() -> None:
    assert no_faster(stored_bytes=200, n_weights=100) == NO_FASTER
    assert no_faster(stored_bytes=60, n_weights=100) is None


def test_the_bench_asks_servers_that_run_and_writes_what_it_prints(
    fake: Streaming, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    at = ["--at", "controls/full", fake.url, "--at", "weights/gptq@w4a16-g128", f"{fake.url}/v1/"]
    asked = ["--rounds", "2", "--questions", "3", "--concurrency", "2", "--ttft", "5"]
    monkeypatch.setattr(sys, "argv", ["serving", *at, *asked])
    serving.main()
    written = json.loads((tmp_path / files.BENCH / "serving.json").read_text())
    full, gptq = written["rows"]
    assert (full["recipe"], gptq["recipe"], gptq["n_answers"]) == ("controls/full", "weights/gptq@w4a16-g128", 6)
    assert (gptq["same_share"], gptq["memory_bytes"], full["times_full"]) == (1.0, None, None)
    assert gptq["good_per_second"] == gptq["answers_per_second"]
    printed = capsys.readouterr().out
    assert f"{gptq['answers_per_second'][1]:.2f} (" in printed
    questions = [asked["messages"][0]["content"][1]["text"] for asked in fake.bodies if asked["max_tokens"] == 48]
    assert len(questions) == 2 * (2 + 2 * 3)  # of both: two that warm up, and two rounds


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ("cache/snapkv@10%", "vLLM cannot serve cache/snapkv@10%"),
        ("weights/gptq@w4a16-g128", "`make repro` makes it"),
        ("tokens/tome@25%", "no checkpoint in .*model; name a model's folder with --model"),
    ],
)
def test_a_recipe_that_cannot_be_served_is_one_sentence(recipe: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=reason):
        work_of(parse(recipe), tmp_path / "model")


def test_weights_are_a_checkpoint_and_tokens_are_left_to_the_plug_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    made = files.checkpoint("model", "weights-rtn-w8a8").absolute()
    made.mkdir(parents=True)
    model = Path("somewhere/model")
    model.mkdir(parents=True)
    (model / "config.json").touch()
    found = work_of(parse("weights/rtn@w8a8+tokens/tome@25%"), model)
    assert found == (made, {"LEANVLM_RECIPE": "tokens/tome@25%"})
    assert work_of(parse("weights/rtn@w8a8"), model) == (made, {"LEANVLM_RECIPE": ""})
    assert work_of(parse("controls/full"), model) == (model.absolute(), {"LEANVLM_RECIPE": ""})


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--concurrency", "1", "65"]])
def test_a_number_out_of_range_is_one_sentence(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["serving", *arguments])
    with pytest.raises(InputError, match=f"{arguments[0]} is {arguments[-1]}; it must be from 1 to"):
        serving.main()
