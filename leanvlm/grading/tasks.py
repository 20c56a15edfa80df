"""What lmms-eval calls the published benchmarks, and which of our rules grades their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leanvlm.errors import InputError
from leanvlm.grading.published import ids
from leanvlm.texts import perhaps


@dataclass(frozen=True)
class Known:
    """A benchmark's tasks in lmms-eval beside its own name, and its rules of ours, none where a judge grades."""

    tasks: tuple[str, ...] = ()
    rule: str = ""
    open_rule: str = ""  # where nothing can be chosen


MATHVISTA = ("cot", "format", "solution")
MVBENCH = (
    *("action_antonym", "action_count", "action_localization", "action_prediction", "action_sequence"),
    *("character_order", "counterfactual_inference", "egocentric_navigation", "episodic_reasoning"),
    *("fine_grained_action", "fine_grained_pose", "moving_attribute", "moving_count", "moving_direction"),
    *("object_existence", "object_interaction", "object_shuffle", "scene_transition", "state_change"),
    "unexpected_action",
)
KNOWN: dict[str, Known] = {
    "ai2d": Known(("ai2d_lite", "ai2d_no_mask"), "choice"),
    "chartqa": Known(("chartqa_lite",), "relaxed"),
    "docvqa": Known(("docvqa_val", "docvqa_val_lite"), "anls"),
    "gqa": Known(("gqa_lite",), "gqa"),
    "imagedc": Known(("dc100_en",)),
    "llava_wilder": Known(("llava_wilder_small",)),
    "mathvista": Known(("mathvista_testmini", *(f"mathvista_testmini_{way}" for way in MATHVISTA)), "mathvista"),
    "mmbench": Known(("mmbench_en_dev", "mmbench_en_dev_lite", "mmbench_en_dev_static"), "choice"),
    "mme": Known((), "mme"),
    "mmmu": Known(("mmmu_val",), "choice", "mmmu_open"),
    "mmstar": Known((), "choice"),
    "mmvet": Known(),
    "mp_docvqa": Known(("multidocvqa", "multidocvqa_val"), "anls"),
    "mvbench": Known(tuple(f"mvbench_{part}" for part in MVBENCH), "choice"),
    "ocrbench": Known((), "ocrbench"),
    "pope": Known((), "mme"),
    "realworldqa": Known((), "choice", "exact"),
    "textvqa": Known(("textvqa_val", "textvqa_val_lite"), "vqa"),
    "video_mme": Known(("videomme", "videomme_long", "videomme_w_subtitle", "videomme_long_w_subtitle"), "choice"),
}
IDS = {name: benchmark for benchmark, known in KNOWN.items() for name in (benchmark, *known.tasks)}
CHOICE = "multiple-choice"  # the question_type; any other is an open question
FORMULAS = "HME100k"  # the data set of OCRBench's formulas


def benchmark_of(name: str) -> str:
    """Return the id of a benchmark that is named as here or as a task of lmms-eval.

    Raises: InputError for another name.
    """
    if name not in IDS:
        raise InputError(f"no benchmark {name!r}{perhaps(name, IDS)}; write a task of lmms-eval or {', '.join(ids())}")
    return IDS[name]


def is_choice(benchmark: str, facts: Mapping[str, str | float], *, has_options: bool) -> bool:
    """Say whether a question of the benchmark asks for a letter."""
    known = KNOWN[benchmark]
    is_open = facts["question_type"] != CHOICE if "question_type" in facts else not has_options
    return known.rule == "choice" and not (known.open_rule and is_open)


def own_rule(benchmark: str, facts: Mapping[str, str | float], *, has_options: bool) -> str:
    """Return the rule of ours that grades a question of the benchmark, nothing where a judge does."""
    if benchmark == "ocrbench" and facts.get("dataset") == FORMULAS:
        return "ocrbench_formula"
    known = KNOWN[benchmark]
    is_open = known.open_rule and not is_choice(benchmark, facts, has_options=has_options)
    return known.open_rule if is_open else known.rule
