"""MathVista: asks for calculations on figures, plots, tables and puzzles.

Source:  Lu et al. 2023, arXiv 2310.02255; AI4Math/MathVista of the hub at f9de603; cc-by-sa-4.0 by its card. The gold
         2.54 of pid 479 is rounded wrongly at its owners, and stays.
Grading: mathvista. Its owners ask a judge to shorten an answer that is no option and no number of its type; without a
         judge their grade is that of the answer as it is.
Prompts: EffiVLM-Bench ran `cot` and `format` and does not say which it prints. `format` asks for the answer alone, so a
         rule can grade most of them; `cot` asks for it at the end of a text, and `solution` is cot for a base model.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.errors import InputError
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.letters import lettered
from leanvlm.sample import Sample

VARIANTS = ("cot", "format", "solution")
ONE, TWO = "with one decimal place", "with two decimal places"
HINTS = (  # what an answer is to look like: at the end of reasons, and alone
    {
        "choice": "Hint: Please answer the question and provide the correct option letter, "
        "e.g., A, B, C, D, at the end.",
        "integer": "Hint: Please answer the question requiring an integer answer and provide the final value, "
        "e.g., 1, 2, 3, at the end.",
        "float 1": f"Hint: Please answer the question requiring a floating-point number {ONE} and provide the final "
        "value, e.g., 1.2, 1.3, 1.4, at the end.",
        "float 2": f"Hint: Please answer the question requiring a floating-point number {TWO} and provide the final "
        "value, e.g., 1.23, 1.34, 1.45, at the end.",
        "list": "Hint: Please answer the question requiring a Python list as an answer and provide the final list, "
        "e.g., [1, 2, 3], [1.2, 1.3, 1.4], at the end.",
    },
    {
        "choice": "Answer with the option's letter from the given choices directly.",
        "integer": "Answer the question using a single integer number.",
        "float 1": f"Answer the question using a single floating-point number {ONE}.",
        "float 2": f"Answer the question using a single floating-point number {TWO}.",
        "list": "Answer the question using a Python list.",
    },
)


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """The split testmini; half of it are choices."""

    variant: str = "format"  # "cot", "format" or "solution": how it is asked

    ids = ("AI4Math/MathVista",)
    splits = (Split("testmini", "data/testmini", rows=1000),)
    columns = (
        *("pid", "question", "choices", "unit", "precision", "answer", "question_type", "answer_type", "metadata"),
    )
    images = ("decoded_image",)
    prompt = "{question}\n{options}\n{hint}"
    paper = Harness(max_new_tokens=256)
    today = Harness(max_new_tokens=16_384)
    judge = "mathvista"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant not in VARIANTS:
            raise InputError(f"mathvista has no variant {self.variant!r}; choose {', '.join(VARIANTS)}")

    def ask(self, row: Row) -> Sample:
        """Ask with a hint of what the answer is to look like; the kind is the task, such as geometry."""
        choices, kinds = row.texts("choices"), {name: row.text(name) for name in ("question_type", "answer_type")}
        precision = row.values["precision"]
        return self.asked(
            sample_id=row.text("pid"),
            kind=(row.values["metadata"] or {}).get("task") or "question",
            question=self._question(row, choices),
            answers=(row.text("answer"),),
            rule="mathvista",
            options=choices,
            facts=kinds | ({} if precision is None else {"precision": float(precision)}),
        )

    def _question(self, row: Row, choices: tuple[str, ...]) -> str:
        unit = f" (Unit: {row.perhaps('unit')})" if row.perhaps("unit") else ""
        asked = row.text("question") + unit
        hint = HINTS[self.variant == "format"].get(_form(row)) or row.refuse("answer_type", "must be one with a hint")
        if self.variant == "format":
            return "\n".join(part for part in (asked, lettered(choices), hint) if part)
        options = "Choices:\n" + lettered(choices, "({letter}) {option}") if choices else ""
        end = "Solution:" if self.variant == "solution" else ""
        return "\n".join(part for part in (f"Question: {asked}", options, hint, end) if part)


def _form(row: Row) -> str:
    """Name what an answer is: a choice, a whole number, a number with some decimals, a list."""
    if row.text("question_type") == "multi_choice":
        return "choice"
    answer_type = row.text("answer_type")
    return f"float {row.values['precision']:.0f}" if answer_type == "float" else answer_type
