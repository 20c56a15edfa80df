"""A run of the Prefect UI that failed by itself is tried once more; one whose input is wrong is not."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from uuid import UUID

import pytest

from flows import child
from flows.reproduce import _try_twice
from leanvlm.errors import REFUSED, InputError, LeanvlmError, RunError
from leanvlm.pipeline import reproduce
from tests.checkouts import ROOT, environment

RUN = UUID(int=1)
STAGE = "from leanvlm.errors import *\ndef main(): raise {}('{}')\nexit_on_error(main)"
PIPELINE = "#!/bin/sh\necho a\necho 'leanvlm: no such model'\necho 'leanvlm: a stage ended; see above'\nexit {}\n"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a flow run nor a server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flows.child.get_run_logger", lambda: logging.getLogger("test"))
    monkeypatch.setattr("flows.reproduce.get_run_logger", lambda: logging.getLogger("test"))
    monkeypatch.setattr("flows.runs.end_beneath", lambda _: None)


@pytest.mark.parametrize(("error", "wanted"), [(InputError, InputError), (RunError, RunError)])
def test_a_stage_that_refuses_is_told_from_one_that_fails(
    error: type[LeanvlmError], wanted: type[LeanvlmError], capfd: pytest.CaptureFixture[str]
) -> None:
    """Between it and the run stands DVC, which ends with a status of its own."""
    Path("stage.py").write_text(STAGE.format(error.__name__, "no such model"))
    Path(".dvc/tmp").mkdir(parents=True)
    reproduce.REFUSAL.touch()  # of an earlier run
    told = environment(ROOT) | {REFUSED: str(reproduce.REFUSAL.resolve())}
    with pytest.raises(wanted, match="its own message is above"):
        reproduce._run(["sh", "-c", f"{sys.executable} stage.py; exit 255"], told)
    assert capfd.readouterr().err == "leanvlm: no such model\n"


@pytest.mark.parametrize(
    ("status", "error", "said"), [(2, InputError, "no such model"), (1, RunError, "a stage ended; see above")]
)
def test_the_runs_state_is_the_sentence_of_what_refused(
    status: int, error: type[LeanvlmError], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Path("pipeline").resolve()
    pipeline.write_text(PIPELINE.format(status))
    pipeline.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(pipeline))
    with pytest.raises(error, match=f"^{said}$"):
        child.reproduce([], RUN)


@pytest.mark.parametrize(("error", "tries"), [(InputError, 1), (RunError, 2)])
def test_wrong_input_is_not_tried_again(error: type[LeanvlmError], tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[UUID] = []

    def end(_: object, run: UUID) -> None:
        tried.append(run)
        raise error("it ended")

    monkeypatch.setattr(child, "reproduce", end)
    with pytest.raises(error, match=r"^it ended$"):
        _try_twice([], RUN)
    assert tried == [RUN] * tries
