"""Whatever an endpoint does, no reply is lost and no failure is taken for a grade."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from leanvlm import files
from leanvlm.errors import InputError, RunError
from leanvlm.judging import mmvet
from leanvlm.judging._ask import Judged, judge_all
from leanvlm.judging._client import TRIES
from leanvlm.judging._connection import Response
from leanvlm.judging._endpoint import MOST_IN_A_ROW
from leanvlm.judging._prices import most_dollars
from leanvlm.judging._refusals import Passing, refusal
from leanvlm.tables import judgements
from tests.judging.asked import answer, answers, judge
from tests.judging.endpoint import Behave, Endpoint, closes, says, sends, sleeps, trickles

SHORT = 0.3  # seconds that an endpoint has
FAILURES = {
    "slow": (sleeps(2 * SHORT), "broke off"),
    "trickling": (trickles, "broke off (it takes too long)"),
    "closed": (closes, "broke off"),
    "500": (sends(500, "oops"), "says 500 Internal Server Error"),
    "429": (sends(429, "{}", {"Retry-After": "0"}), "says 429 Too Many Requests"),
    "a page": (sends(200, "<html><body>Log in</body></html>"), "sends something else than a chat completion"),
    "a list": (sends(200, "[1, 2]"), "sends something else than a chat completion"),
    "no choice": (sends(200, '{"choices": []}'), "sends something else than a chat completion"),
    "deep": (sends(200, "[" * 100_000), "sends something else than a chat completion"),
    "a number": (says(7), "sends a reply that is no text"),
    "half a sign": (says("\ud800"), "sends a reply that is no text"),
}


def judged(endpoint: Endpoint, n: int = 1, **own: object) -> Judged:
    found = judge_all(judge(endpoint, **own), answers(n), first_pause=0.001)
    judgements.TABLE.write(found.rows, Path("judgements.parquet"))  # every row is one of the table
    return found


@pytest.mark.parametrize(("failure", "says_so"), FAILURES.values(), ids=FAILURES)
def test_a_failure_that_passes_is_tried_again(endpoint: Endpoint, failure: Behave, says_so: str) -> None:
    endpoint.treat = lambda said, n: says("0.5") if n else failure
    [row] = judged(endpoint, timeout_seconds=SHORT).rows
    assert (row["grade"], row["problem"], row["tries"], row["tokens_in"]) == (0.5, None, 2, 100)


@pytest.mark.parametrize(("failure", "says_so"), FAILURES.values(), ids=FAILURES)
def test_a_failure_that_stays_is_ungraded_and_the_others_are_graded(
    endpoint: Endpoint, failure: Behave, says_so: str
) -> None:
    endpoint.treat = lambda said, n: failure if "answer 001" in said else says("0.5")
    rows = judged(endpoint, 3, timeout_seconds=SHORT).rows
    assert [row["grade"] for row in rows] == [0.5, None, 0.5]
    assert rows[1]["problem"].startswith(f"the judge {says_so}")
    assert (rows[1]["reply"], rows[1]["tries"]) == (None, TRIES)

    endpoint.treat = lambda said, n: says("1.0")  # the failure passed: only its answer is asked about again
    n = len(endpoint.bodies)
    assert [row["grade"] for row in judged(endpoint, 3).rows] == [0.5, 1.0, 0.5]
    assert len(endpoint.bodies) == n + 1


@pytest.mark.parametrize("reply", ["11 of 10", "fine", "", "1.5", "-0.1", None])
def test_a_reply_that_cannot_be_read_is_ungraded_kept_and_not_asked_for_again(
    endpoint: Endpoint, reply: str | None
) -> None:
    endpoint.treat = lambda said, n: says(reply)
    for _ in range(2):
        [row] = judged(endpoint).rows
        assert (row["grade"], row["reply"]) == (None, reply or "")
        assert row["problem"] == "the reply is not as it was asked for"
    assert len(endpoint.bodies) == 1


def test_an_endpoint_says_how_long_to_wait(endpoint: Endpoint) -> None:
    endpoint.treat = lambda said, n: says("0.5") if n else sends(429, "", {"Retry-After": "1"})
    started = time.monotonic()
    judged(endpoint)
    assert time.monotonic() - started >= 1

    with httpx.Client() as http:
        dates = {
            format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True): 30,
            "tomorrow": None,
            "": None,
        }
        for date, wanted in dates.items():
            told = refusal(Response(503, {"retry-after": date}, b""), http, tries=1)
            assert isinstance(told, Passing)
            assert told.wait == (None if wanted is None else pytest.approx(wanted, abs=2))


def test_what_was_judged_is_not_asked_again_unless_the_judge_or_its_prompt_is_another(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = judged(endpoint, 3)
    again = judged(endpoint, 3)
    assert (first.rows, first.n_stored, again.n_stored) == (again.rows, 0, 3)
    assert len(endpoint.bodies) == 3
    judged(endpoint, 3, model="mild")
    assert len(endpoint.bodies) == 6
    with monkeypatch.context() as changed:
        changed.setattr(mmvet, "VERSION", "next")
        assert judged(endpoint, 3).rows[0]["prompt_version"] == "next"
    assert len(endpoint.bodies) == 9
    assert judged(endpoint, 3).rows == first.rows  # going back finds them
    assert len(endpoint.bodies) == 9


def test_a_damaged_reply_is_told_and_asked_for_again(endpoint: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    judged(endpoint, 4)
    damaged = ["", "{}", '{"text": 1}', "[" * 10_000]
    for path, text in zip(sorted(files.JUDGEMENTS.glob("*/*.json")), damaged, strict=True):
        path.write_text(text)
    assert [row["grade"] for row in judged(endpoint, 4).rows] == [0.5] * 4
    assert (len(endpoint.bodies), capsys.readouterr().out.count("cannot be read; the judge is asked again")) == (8, 4)


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": True, "completion_tokens": -1}])
def test_the_limit_stops_before_the_call_that_could_exceed_it(endpoint: Endpoint, usage: object) -> None:
    """Without a count of tokens a call is taken to have cost the most that it can; all of these can cost the same."""
    endpoint.treat = lambda said, n: says("0.5", usage=usage)
    priced = {"dollars_per_million_in": 3.0, "dollars_per_million_out": 7.0}
    messages = mmvet.messages(answers(1)[0].asked)
    most = most_dollars(judge(endpoint, **priced), messages, mmvet.MOST_TOKENS)
    with pytest.raises(
        RunError, match=r"\$.* would not last for the next call: \d of 5 messages .* kept; raise it .* go on"
    ):
        judged(endpoint, 5, **priced, most_dollars=2.5 * most)
    assert len(endpoint.bodies) == len(list(files.JUDGEMENTS.glob("*/*.json"))) == 2
    done = judged(endpoint, 5, **priced, most_dollars=5.001 * most)
    assert (done.n_stored, len(endpoint.bodies)) == (2, 5)
    assert done.dollars == pytest.approx(5 * most)


def test_tokens_that_are_counted_cost_less_than_the_bound_and_the_limit_is_of_what_they_cost(
    endpoint: Endpoint,
) -> None:
    priced = {"dollars_per_million_in": 3.0, "dollars_per_million_out": 7.0}
    cost = (100 * 3 + 10 * 7) / 1e6
    messages = mmvet.messages(answers(1)[0].asked)
    most = most_dollars(judge(endpoint, **priced), messages, mmvet.MOST_TOKENS)
    assert most > cost
    done = judged(endpoint, 20, **priced, most_dollars=19 * cost + 1.001 * most)
    assert done.dollars == pytest.approx(20 * cost)


def test_an_endpoint_that_is_down_ends_the_run_and_what_was_judged_is_kept(endpoint: Endpoint) -> None:
    judged(endpoint, 3)
    endpoint.treat = lambda said, n: closes
    said = r"the judge at .* broke off .* 3 of 30 messages are judged and kept; .* run again to go on"
    with pytest.raises(RunError, match=said):
        judged(endpoint, 30, workers=1)
    assert len(endpoint.bodies) <= 3 + TRIES * (MOST_IN_A_ROW + 2)
    with pytest.raises(RunError, match=r"cannot be reached .* none of 1 messages"):
        judged(Endpoint(url="http://127.0.0.1:9/v1"), 1)


@pytest.mark.parametrize("status", [301, 401, 402, 404])
def test_what_every_message_would_be_told_ends_the_run_at_once(endpoint: Endpoint, status: int) -> None:
    endpoint.treat = lambda said, n: sends(status, "")
    with pytest.raises(InputError, match=rf"the judge strict at .* says {status} .*; see `judge:` in params.yaml"):
        judged(endpoint, 50, workers=1)
    assert len(endpoint.bodies) <= 3


def test_the_key_is_sent_and_found_nowhere_else(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "sk-the-secret"
    error = json.dumps({"error": {"message": f"too long, said {key}"}})
    endpoint.treat = lambda said, n: sends(400, error) if "answer 001" in said else says("0.5")
    monkeypatch.setenv("JUDGE_KEY", key)
    rows = judged(endpoint, 2, key_variable="JUDGE_KEY").rows
    assert endpoint.headers[0]["Authorization"] == f"Bearer {key}"
    assert rows[1]["problem"] == "the judge says 400 Bad Request (too long, said ***)"
    endpoint.treat = lambda said, n: sends(401, error)
    with pytest.raises(InputError) as refused:
        judged(endpoint, 2, key_variable="JUDGE_KEY")
    kept = [path.read_bytes() for path in Path().rglob("*") if path.is_file()]
    seen = [str(rows), str(refused.value), "".join(capsys.readouterr()), *map(str, kept)]
    assert kept
    assert not any("secret" in text for text in seen)


@pytest.mark.parametrize(("key", "says_so"), [(None, "which is not set"), ("", "which is not set"), ("a\nb", "signs")])
def test_a_key_that_is_missing_or_none_is_one_sentence(
    endpoint: Endpoint, key: str | None, says_so: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("JUDGE_KEY", key)
    with pytest.raises(InputError, match=f"JUDGE_KEY.*{says_so}"):
        judged(endpoint, key_variable="JUDGE_KEY")


def test_an_endpoint_on_this_machine_is_asked_without_a_proxy(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert judged(endpoint).rows[0]["grade"] == 0.5


def test_a_killed_run_goes_on_where_it_was(endpoint: Endpoint) -> None:
    endpoint.treat = lambda said, n: says("0.5")
    code = (
        "from leanvlm.judging._ask import judge_all; from tests.judging.asked import answers, judge;"
        "from tests.judging.endpoint import Endpoint; import sys;"
        "judge_all(judge(Endpoint(url=sys.argv[1]), workers=2), answers(2000))"
    )
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": root}
    process = subprocess.Popen([sys.executable, "-c", code, endpoint.url], env=environment)
    deadline = time.monotonic() + 60
    while len(endpoint.bodies) < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    asked = len(endpoint.bodies)
    kept = len(list(files.JUDGEMENTS.glob("*/*.json")))
    assert 0 < asked - 2 <= kept <= asked < 2000
    done = judged(endpoint, asked + 5)
    assert {row["grade"] for row in done.rows} == {0.5}
    assert done.n_stored == kept
    assert len(endpoint.bodies) == asked + (asked + 5 - kept)


def test_the_same_words_are_one_message(endpoint: Endpoint) -> None:
    rows = judge_all(judge(endpoint), [*answers(2), *answers(2)]).rows
    assert ([row["grade"] for row in rows], len(endpoint.bodies)) == ([0.5] * 4, 2)


def test_a_picture_is_sent_whole_and_its_hash_is_kept(endpoint: Endpoint) -> None:
    from tests.grid import picture

    endpoint.treat = lambda said, n: says("10 8\nGood.")
    one = answer("a dog", name="llava_wilder", images=(picture("red"),))
    [row] = judge_all(judge(endpoint), [one]).rows
    sent = endpoint.bodies[0]["messages"][-1]["content"][1]["image_url"]["url"]
    assert sent.startswith("data:image/png;base64,")
    assert re.search(r'"url": "sha256:[0-9a-f]{64}"', row["messages"])
    assert "base64" not in row["messages"]
    assert row["grade"] == 0.8
