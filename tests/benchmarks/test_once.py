"""A file of rows counts once, however its path is spelt."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanvlm import calibration
from leanvlm.errors import InputError
from leanvlm.rows.once import refuse_file_twice


@pytest.mark.parametrize("other", ["./own.jsonl", "below/../own.jsonl", "link.jsonl"])
def test_two_spellings_of_one_file_are_refused(other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path / "own.jsonl").write_text('{"question": "what?", "answer": "red"}\n' * 9)
    (tmp_path / "link.jsonl").symlink_to("own.jsonl")
    with pytest.raises(InputError, match=r"'own\.jsonl' and '.*' in calibration\.sources are one file; list it once"):
        list(calibration.draw(4, seed=0, sources=("own.jsonl", other)))
    with pytest.raises(InputError, match="are one file"):
        refuse_file_twice(["local:own.jsonl", "scenes", f"local:{other}"], where="here")
    refuse_file_twice(["local:own.jsonl", "local:own.csv", "scenes", "scenes"], where="here")
