"""Public benchmarks ask what their owners ask: prompts, limits and right answers, written out from the harnesses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanvlm import plugins
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.benchmarks._soundness import sound
from leanvlm.errors import InputError
from leanvlm.sample import Sample
from tests.benchmarks import public, public_sets

NAMES = [one.__name__ for one in public_sets.ALL]
PICTURED = [name for name in NAMES if name != "video_mme"]
LETTER = "Answer with the option's letter from the given choices directly."
WORD = "Answer the question using a single word or phrase."

# id, question, right answers, rule, kind
ASKED = {
    "docvqa": ("503", f"What is the 3. name?\n{WORD}", ("name 3", "Name 3"), "anls", "form, layout"),
    "chartqa": ("0001", "How much is 1?\nAnswer the question with a single word.", ("1.5",), "relaxed", "augmented"),
    "textvqa": (
        "34602",
        f"What does the stop sign of rome say?\n{WORD}",
        (*["stop"] * 7, "STOP", "halt", "stop sign"),
        "vqa",
        "question",
    ),
    "ocrbench": ("0000", "what is written?", ("CENTRE",), "ocrbench", "Regular Text Recognition"),
    "ai2d": (
        "0002",
        f"Which is stage 2?\nA. larva\nB. pupa\nC. adult frog\nD. egg mass\n{LETTER}",
        ("C", "adult frog"),
        "choice",
        "question",
    ),
    "gqa": ("20134", f"Is the 4. cup to the left?\n{WORD}", ("yes",), "gqa", "question"),
    "mmmu": (
        "validation_Art_Theory_12",
        f'Which <image 1> is "Babel"?\nA. cubism\nB. <image 2>\nC. dada\n\n{LETTER}',
        ("B", "<image 2>"),
        "choice",
        "Art Theory",
    ),
    "mme": ("0001", f"Is it No?\n{WORD}", ("No",), "mme", "code_reasoning"),
    "pope": ("0003", f"Is there a car in the image?\n{WORD}", ("no",), "mme", "popular"),
    "realworldqa": (
        "000",
        "Which way?\nA. Left.\nB. Right.\nC. Straight on.\n"
        "Please answer directly with only the letter of the correct option and nothing else.",
        ("C", "Straight on."),
        "choice",
        "choice",
    ),
    "mmstar": (
        "3",
        f"Which 3?\nOptions: A: a cat, on a mat, B: a dog, C: none, D: 1:2\n{LETTER[:-1]}",
        ("D", "1:2"),
        "choice",
        "geometry",
    ),
    "mathvista": (
        "3",
        "How much? (Unit: $)\nAnswer the question using a single floating-point number with one decimal place.",
        ("1.2",),
        "mathvista",
        "task 2",
    ),
    "llava_wilder": ("001", "What is 1?", ("A sign.",), "judged", "question"),
    "mmbench": (
        "1000252",
        f"Look. Which? There are several options:\nA. banana\nB. 1\nC. 2\nD. 3\n\n{LETTER}",
        ("A", "banana"),
        "choice",
        "ocr",
    ),
    "mmvet": (
        "v1_1",
        "First please perform reasoning, and think step by step to provide best answer to the following question: \n\n"
        "What is x?",
        ("-1 <AND> -5 <OR> both",),
        "judged",
        "ocr, math",
    ),
    "imagedc": ("1", "Describe this image.", ("A room.",), "judged", "question"),
    "mp_docvqa": ("1", f"What is the total?\n{WORD}", ("$5", "5 dollars"), "anls", "question"),
    "video_mme": (
        "001-2",
        "Select the best answer to the following multiple-choice question based on the video and the subtitles. "
        "Respond with only the letter (A, B, C, or D) of the correct option.\nHow many 2?\nA. One.\nB. Two.\n"
        f"C. Three.\nD. Four.\n\n{LETTER}",
        ("B", "Two."),
        "choice",
        "medium",
    ),
}
# new tokens in the paper's harness and in today's
LIMITS = {
    "docvqa": (32, 32),
    "chartqa": (16, 16),
    "textvqa": (32, 128),
    "ocrbench": (128, 128),
    "ai2d": (16, 16),
    "gqa": (16, 16),
    "mmmu": (16, 128),
    "mme": (16, 16),
    "pope": (128, 128),
    "realworldqa": (16, 16),
    "mmstar": (128, 128),
    "mathvista": (256, 16_384),
    "llava_wilder": (4096, 4096),
    "mmbench": (1024, 1024),
    "mmvet": (1024, 1024),
    "imagedc": (1024, 1024),
    "mp_docvqa": (32, 32),
    "video_mme": (16, 16),
}
AGGREGATES = {
    "mme": "pairs",
    "ocrbench": "mean_of_1000",
    "mmbench": "circular",
    "mmstar": "mean_of_kinds",
    "llava_wilder": "over_reference",
}
JUDGES = {"llava_wilder", "mmvet", "imagedc", "mathvista", "mmbench"}
UNCUT = {("mmvet", "paper"), ("llava_wilder", "paper")}


@pytest.fixture(autouse=True)
def hub(public_hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public.look_in(public_hub, monkeypatch)


def built(name: str, **options: Any) -> Any:
    return plugins.load("benchmarks", name)(**options)


def rows(name: str, **options: Any) -> dict[str, Sample]:
    """Ask all rows of a set, without pictures, by their ids."""
    benchmark = built(name, **options)
    samples = [benchmark.ask(row) for row in benchmark.chosen(100, seed=0)]
    return {sample.sample_id: sample for sample in samples}


def test_every_public_benchmark_has_a_set_here() -> None:
    kinds = {name: plugins.load("benchmarks", name) for name in plugins.ids("benchmarks")}
    assert (
        {name for name, kind in kinds.items() if issubclass(kind, PublicBenchmark)}
        == set(NAMES)
        == set(ASKED)
        == set(LIMITS)
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("harness", ["paper", "today"])
def test_a_question_is_asked_and_graded_as_its_owners_do(name: str, harness: str) -> None:
    sample_id, *asked = ASKED[name]
    sample = rows(name, harness=harness)[sample_id]
    assert [sample.question, sample.answers, sample.rule, sample.kind] == asked
    assert sample.max_new_tokens == LIMITS[name][harness == "today"]
    until = ("ASSISTANT:",) if name in ("mmbench", "imagedc") else () if (name, harness) in UNCUT else ("\n\n",)
    assert sample.stop_texts == until
    assert sample.published is not None
    assert (sample.published.rule, sample.published.aggregate) == (f"{harness}/{name}", AGGREGATES.get(name, "mean"))
    assert sample.judge == (name if name in JUDGES else "")
    assert "<image>" not in sample.question, "it would place a picture"


@pytest.mark.parametrize("name", NAMES)
def test_options_are_lettered_as_the_right_answer_says(name: str) -> None:
    for sample in rows(name).values():
        if sample.rule == "choice" and len(sample.answers) == 2:
            letter, text = sample.answers
            assert sample.options["ABCDEFGH".index(letter)] == text


@pytest.mark.parametrize("name", PICTURED)
def test_pictures_are_the_files_that_are_stored_in_their_order(name: str) -> None:
    stored = {image for path in built(name).files() for image in _images(path)}
    samples = list(built(name).samples(100, seed=0))
    assert {image for sample in samples for image in sample.images} <= stored
    assert [sample.encoded() for sample in samples] == [sample.images for sample in samples]
    assert len({sample.sample_id for sample in samples}) == len(samples)
    if name not in ("gqa", "mmmu"):  # where some pictures are shown twice, or not
        assert {image for sample in samples for image in sample.images} == stored


def _images(path: Path) -> list[bytes]:
    """Read all pictures of a file, however they are stored."""
    table = pq.read_table(path)
    kinds = (public.IMG, pa.binary())
    names = [field.name for field in table.schema if field.type in kinds]
    cells = [cell for name in names for cell in table.column(name).to_pylist() if cell is not None]
    return [cell["bytes"] if isinstance(cell, dict) else cell for cell in cells]


def test_each_sample_has_its_own_pictures() -> None:
    asked = {sample.sample_id: sample.images for name in ("ai2d", "gqa") for sample in built(name).samples(9, seed=1)}
    assert [asked[f"{n:04d}"] for n in range(4)] == [(public.picture(n),) for n in range(4)]
    assert [asked[f"2013{n}"] for n in range(5)] == [(public.picture(n % 2, kind="JPEG"),) for n in range(5)]
    pages = {sample.sample_id: sample.images for sample in built("mp_docvqa").samples(9, seed=1)}
    assert pages == {
        str(n): tuple(public.picture(10 * n + page) for page in range(count)) for n, count in enumerate((1, 20, 3))
    }
    named = {sample.sample_id: sample.images for sample in built("mmmu").samples(9, seed=1)}
    second = public.picture(2, mode="CMYK", kind="TIFF")
    assert named["validation_Art_Theory_12"] == (public.picture(1), second), "the question's, and an option's"
    assert named["validation_Geography_15"] == (second,)


def test_samples_of_one_picture_are_one_group() -> None:
    groups = {name: {s.sample_id: s.group_id for s in built(name).samples(9, seed=0)} for name in ("docvqa", "chartqa")}
    docvqa = groups["docvqa"]
    assert docvqa["502"] == docvqa["503"] != docvqa["504"]
    assert len(set(groups["chartqa"].values())) == 4
    assert {s.group_id for s in rows("gqa").values()} == {"n0", "n1"}


@pytest.mark.parametrize("name", PICTURED)
def test_a_shorter_run_is_a_prefix_and_n_beyond_the_set_is_all_of_it(name: str) -> None:
    every = [(s.sample_id, s.group_id, s.images) for s in built(name).samples(1000, seed=3)]
    for n in range(1, len(every) + 1):
        some = [(s.sample_id, s.group_id, s.images) for s in built(name).samples(n, seed=3)]
        assert some == every[: len(some)]
        assert n <= len(some) < n + 3


def test_another_seed_is_another_order() -> None:
    orders = {tuple(sample.sample_id for sample in built("docvqa").samples(9, seed=seed)) for seed in range(5)}
    assert len(orders) > 3


@pytest.mark.parametrize(("name", "sizes"), [("mme", {2, 1}), ("mmbench", {1, 2, 3}), ("video_mme", {3})])
def test_what_is_graded_together_is_drawn_together(name: str, sizes: set[int]) -> None:
    found = set()
    for seed in range(8):
        groups = [built(name).ask(row).group_id for row in built(name).chosen(1, seed=seed)]
        assert len(set(groups)) == 1
        found.add(len(groups))
    assert found == sizes


@pytest.mark.parametrize("name", PICTURED)
def test_every_set_can_be_asked(name: str) -> None:
    assert list(sound(name, built(name).samples(100, seed=0)))


def test_options_that_are_not_there_are_not_asked() -> None:
    two = rows("mmbench")
    for sample_id in ("241", "300"):  # the text nan, and null
        assert (len(two[sample_id].options), "nan" in two[sample_id].question) == (2, False)
        assert two[sample_id].question.startswith(("Indoors? There are", "Indoors? There are"))


def test_malformed_options_are_not_mended() -> None:
    malformed = rows("realworldqa")["002"]
    assert (malformed.options, malformed.answers) == ((), ("C",))
    assert malformed.kind == "choice without readable options"
    assert rows("realworldqa")["001"].rule == "exact"


def test_an_option_named_none_is_a_word() -> None:
    assert rows("mmmu")["validation_Geography_15"].answers == ("B", "None")


def test_open_questions_of_mmmu_have_the_answers_of_their_list() -> None:
    asked = rows("mmmu")
    assert asked["validation_Math_4"].answers == ("2.75", "$2.75$")
    assert (asked["validation_Math_3"].answers, asked["validation_Math_3"].rule) == (("24/7",), "mmmu_open")
    assert asked["validation_Math_3"].question == f"How long is x in <image 1>?\n\n{WORD}"


def test_a_formula_has_a_rule_of_its_own_and_their_rule_is_told_so() -> None:
    formula = rows("ocrbench")["0001"]
    assert formula.rule == "ocrbench_formula"
    assert formula.published is not None
    assert formula.published.facts["dataset"] == "HME100k"


@pytest.mark.parametrize(
    ("variant", "sample_id", "question"),
    [
        (
            "cot",
            "1",
            "Question: Find m∠H.\nChoices:\n(A) 97\n(B) 102\nHint: Please answer the question and provide the correct "
            "option letter, e.g., A, B, C, D, at the end.",
        ),
        (
            "cot",
            "4",
            "Question: How much exactly?\nHint: Please answer the question requiring a floating-point number with two "
            "decimal places and provide the final value, e.g., 1.23, 1.34, 1.45, at the end.",
        ),
        (
            "solution",
            "2",
            "Question: How many gaps?\nHint: Please answer the question requiring an integer answer and provide the "
            "final value, e.g., 1, 2, 3, at the end.\nSolution:",
        ),
        ("format", "1", f"Find m∠H.\nA. 97\nB. 102\n{LETTER}"),
        ("format", "5", "Between which years?\nAnswer the question using a Python list."),
    ],
)
def test_mathvista_is_asked_in_three_ways(variant: str, sample_id: str, question: str) -> None:
    assert rows("mathvista", variant=variant)[sample_id].question == question


def test_mathvista_tells_their_rule_what_an_answer_is() -> None:
    published = rows("mathvista")["3"].published
    assert published is not None
    assert published.facts == {"question_type": "free_form", "answer_type": "float", "precision": 1.0}


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("docvqa", {"harness": "then"}, "docvqa has no harness 'then'; choose paper or today"),
        ("docvqa", {"split": "test"}, "docvqa: test has no public answers; choose validation"),
        ("mp_docvqa", {"split": "test"}, "mp_docvqa: test has no public answers; choose val"),
        ("gqa", {"split": "train"}, "gqa has no split 'train'; choose testdev"),
        ("mme", {"revision": "../../x"}, "mme: no revision '../../x'; give a branch, a tag or a full commit"),
        ("mathvista", {"variant": "short"}, "mathvista has no variant 'short'; choose cot, format, solution"),
        ("video_mme", {"frames": 0}, "video_mme: frames is 0; it must be from 1 to 1,000"),
    ],
)
def test_an_option_that_is_not_there_is_one_sentence(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        built(name, **options)
    assert str(caught.value) == said


def test_without_a_decoder_a_video_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for n in range(3):
        (tmp_path / f"v-{n}.mkv").touch()
    with pytest.raises(InputError, match=r'av is not installed; run: pip install "leanvlm\[video\]"'):
        list(built("video_mme", videos=str(tmp_path)).samples(1, seed=0))


def test_video_mme_says_that_the_videos_are_missing(tmp_path: Path) -> None:
    reason = built("video_mme", videos=str(tmp_path / "none")).missing()
    assert reason is not None
    assert "fetch the videos with: hf download lmms-eval/Video-MME --repo-type dataset --include" in reason
    with pytest.raises(InputError, match=r"row \d: its videoID is 'v-\d'; it must be a video in"):
        list(built("video_mme", videos=str(tmp_path)).samples(1, seed=0))
