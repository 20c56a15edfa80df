"""A text without signs, as VQA accuracy leaves it.

Source:  lmms-eval 0.7.3, tasks/_task_utils/vqa_eval_metric.py and tasks/mvbench/utils.py (read, not copied), after
         VQA's evaluation.
"""

from __future__ import annotations

import re

SIGNS = frozenset(';/[]"{}()=+\\_-><@`,?!')
COMMA_IN_NUMBER = re.compile(r"\d,\d")
PERIOD = re.compile(r"\.(?!\d)")
MOST_PERIODS = 32  # the harnesses pass re.UNICODE, which is 32, as the most replacements


def without_signs(text: str) -> str:
    """Take a sign out where a blank is beside it anywhere, or a comma in any number; else leave a blank for it.

    Of the periods only those go that no digit follows.
    """
    bare, has_comma = text, COMMA_IN_NUMBER.search(text) is not None
    for sign in SIGNS.intersection(text):
        bare = bare.replace(sign, "" if has_comma or f"{sign} " in text or f" {sign}" in text else " ")
    return PERIOD.sub("", bare, count=MOST_PERIODS) if "." in bare else bare
