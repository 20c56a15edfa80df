"""What a user of the Prefect UI does, done through its API: forms, runs, cancelling, the end of it all."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import checkouts
from tests.flows.served import Served, left_in, serve, start, until

RECIPES = ("controls/full", "cache/snapkv@10%")
CANCEL_SECONDS = 30


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, random_checkpoint: Path) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served") / "checkout"
    checkouts.make(folder, random_checkpoint)
    checkouts.write_params(folder, RECIPES)
    started = serve(folder)
    yield started
    if started.process.poll() is None:
        started.process.kill()
        started.process.communicate()


def choices(served: Served, form: str, field: str) -> set[str]:
    """Read the drop-down of a field out of the schema that the UI draws."""
    schema = served.deployment(form)["parameter_openapi_schema"]["definitions"]
    described = schema[form.capitalize()]["properties"][field]
    if field == "methods":
        described = schema["Setting"]["properties"]["method"]
    return set(described.get("items", described)["enum"])


def test_drop_downs_offer_what_the_checkout_has(served: Served) -> None:
    profiles = {path.stem for path in (served.folder / "profiles").glob("*.yaml")}
    assert choices(served, "reproduce", "profile") == choices(served, "sweep", "profile") == {"default"} | profiles
    assert {"samples", "answer", "report"} <= choices(served, "reproduce", "stages")
    assert {"embedded", "qwen2-vl-7b"} <= choices(served, "sweep", "models")
    for field, folder in (("methods", "methods"), ("benchmarks", "benchmarks")):
        root = served.folder / "leanvlm" / folder
        found = {path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("[!_]*.py")}
        assert choices(served, "sweep", field) == found


@pytest.mark.parametrize(
    ("form", "chosen"),
    [
        ("reproduce", {"profile": "none"}),
        ("reproduce", {"stages": "answer"}),
        ("reproduce", {"stages": ["answers"]}),
        ("sweep", {"n": 0}),
        ("sweep", {"methods": [{"method": "cache/snap", "setting": "10%"}]}),
        ("sweep", {"benchmarks": ["easy-vqa"]}),
        ("sweep", {"recipe": ["tokens/fastv@10%"]}),
        ("sweep", {"methods": [{"method": "cache/snapkv", "budget": "10%"}]}),
        ("reproduce", {"stage": ["answer"]}),
    ],
)
def test_a_wrong_choice_makes_no_run(served: Served, form: str, chosen: Any) -> None:
    assert served.start(form, chosen)[0] == 409


@pytest.mark.parametrize("form", ["reproduce", "sweep"])
def test_a_parameter_that_a_form_lacks_makes_no_run(served: Served, form: str) -> None:
    run = f"/deployments/{served.deployment(form)['id']}/create_flow_run"
    assert served.ask(run, {"parameters": {"sweep": {}}})[0] == 409
    assert served.ask(run, {"parameters": {"chosen": {"profile": "none"}, "n": 2}})[0] == 409


def test_what_the_grid_does_not_know_fails_with_a_sentence(served: Served) -> None:
    before = (served.folder / "artifacts/profile.yaml").read_bytes()
    status, run = served.start("sweep", {"methods": [{"method": "cache/snapkv", "setting": "200%"}], "n": 2})
    assert status == 201
    state = served.ended(run["id"])["state"]
    assert (state["type"], state["message"].count("\n")) == ("FAILED", 0)
    assert "200%" in state["message"]
    assert not any("Traceback" in line for line in served.logs(run["id"]))
    assert (served.folder / "artifacts/profile.yaml").read_bytes() == before


def test_a_second_server_says_where_the_first_is(served: Served) -> None:
    second = start(served.folder, 0)
    said = second.communicate()[1]
    assert second.returncode == 1
    assert f"http://127.0.0.1:{served.port}" in said
    assert said.count("\n") == 1


def test_foreign_pages_and_paths_are_refused(served: Served) -> None:
    assert served.fetch("/api/flows/filter", "{}", Origin="http://evil.example")[0] == 403
    (served.folder / "artifacts/report").mkdir(exist_ok=True)
    (served.folder / "artifacts/report/index.html").write_text("the report")
    assert served.fetch("/report/") == (200, "the report")
    assert served.fetch("/report/", Origin="http://evil.example")[0] == 403
    for path in ("../profile.yaml", "%2e%2e/profile.yaml", "..%2fprofile.yaml", "/etc/passwd", "%2fetc/passwd"):
        assert served.fetch(f"/report/{path}")[0] == 404, path


def test_a_cancelled_run_shows_what_it_did_and_leaves_nobody(served: Served) -> None:
    """Its answers are a subflow, its log has what DVC prints, a bar counts its cells, tags name what it is of."""
    params = (served.folder / "params.yaml").read_bytes()
    chosen = {"methods": [{"method": "cache/h2o", "setting": "10%"}], "benchmarks": ["documents"], "n": 100}
    run = served.start("sweep", chosen)[1]["id"]
    batches = until(lambda: list(served.folder.glob("artifacts/pool/**/*.batches/*.parquet")))
    assert set(served.run(run)["tags"]) == {"leanvlm", "profile:default", "model:embedded"}
    [answers] = served.beneath(run)
    assert (answers["name"], answers["state_type"]) == ("answers", "RUNNING")
    until(lambda: any("Running stage 'answer'" in line for line in served.logs(run)))
    assert served.artifacts(run)["cells"]["description"] == "0 of 2 cells are answered"
    served.ask(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    until(lambda: served.run(run)["state_type"] == "CANCELLED" and not served.others(), seconds=CANCEL_SECONDS)
    assert served.run(answers["id"])["state_type"] in ("CANCELLED", "CRASHED")
    assert all(batch.exists() for batch in batches)
    laid = YAML(typ="safe").load(served.folder / f"runs/{run}.yaml")
    assert (laid["grid"]["recipes"], laid["samples"]) == (["controls/full", "cache/h2o@10%"], {"n": 100})
    assert (served.folder / "params.yaml").read_bytes() == params


def test_ctrl_c_ends_everything_with_a_sentence(served: Served) -> None:
    served.start("sweep", {"n": 100})
    until(served.others)
    status, said = served.end(signal.SIGINT)
    assert status == 130
    assert said.strip().splitlines()[-1].startswith("leanvlm: interrupted; ")
    assert "Traceback" not in said
    until(lambda: not left_in(served.folder), seconds=5)
