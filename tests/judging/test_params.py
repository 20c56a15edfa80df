"""The block `judge:` of params.yaml: it may be null, holds no secret, and a slip is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from leanvlm.errors import InputError
from leanvlm.params import read
from leanvlm.params._names import check_names
from leanvlm.params.judges import Judge

PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text()
BLOCK = {
    "endpoint": "https://judge.example/v1",
    "model": "strict",
    "dollars_per_million_in": 2.5,
    "dollars_per_million_out": 10,
    "most_dollars": 5,
}


def written(folder: Path, block: object) -> Path:
    values = YAML(typ="safe").load(PARAMS) | {"judge": block}
    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe").dump(values, file)
    return folder / "params.yaml"


def test_the_judge_may_be_null_and_has_defaults(tmp_path: Path) -> None:
    assert read(written(tmp_path, None)).judge is None
    found = read(written(tmp_path, BLOCK)).judge
    assert isinstance(found, Judge)
    assert (found.key_variable, found.workers, found.is_here) == ("", 4, False)


@pytest.mark.parametrize(
    ("change", "says_so"),
    [
        ({"endpoint": "https://user:secret@judge.example/v1"}, "judge.endpoint is .* it must be https://host/path"),
        ({"endpoint": "https://judge.example/v1?key=1"}, "judge.endpoint"),
        ({"endpoint": "https://judge.example:port/v1"}, "judge.endpoint"),
        ({"endpoint": "judge.example/v1"}, "judge.endpoint"),
        ({"endpoint": "file:///etc/passwd"}, "judge.endpoint"),
        ({"endpoint": "https:///v1"}, "judge.endpoint"),
        ({"model": ""}, "judge.model"),
        ({"key_variable": "sk-123"}, "judge.key_variable is .* a variable of the environment, not the key"),
        ({"most_dollars": -1}, "judge.most_dollars"),
        ({"most_dollars": "5"}, "judge.most_dollars"),
        ({"workers": 0}, "judge.workers"),
        ({"key": "sk-123"}, "judge has no key 'key'"),
    ],
)
def test_a_slip_is_one_sentence(change: dict[str, object], says_so: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says_so):
        read(written(tmp_path, BLOCK | change))


def test_a_key_travels_in_the_clear_on_this_machine_only(tmp_path: Path) -> None:
    clear = BLOCK | {"key_variable": "KEY", "endpoint": "http://judge.example/v1"}
    with pytest.raises(InputError, match="the key in KEY could be read on the way there; write https://"):
        check_names(read(written(tmp_path, clear)))
    for endpoint in ("http://127.0.0.1:8000/v1", "http://[::1]:8000/v1", "http://localhost/v1"):
        found = read(written(tmp_path, clear | {"endpoint": endpoint}))
        assert isinstance(found.judge, Judge)
        assert found.judge.is_here
