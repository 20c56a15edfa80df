"""Contractions, written with one apostrophe too few, and as VQA accuracy corrects them.

Source:  lmms-eval 0.7.3, tasks/_task_utils/vqa_eval_metric.py, which is VQA's own table: a word is corrected where just
         one apostrophe is missing, and "somebody'd" becomes "somebodyd".
"""

from __future__ import annotations

CORRECT = """
'ow's'at 'twas ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't
he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't mightn't've must've mustn't
needn't not've o'clock oughtn't shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're
there's they'd they'd've they'll they're they've wasn't we'd've we've weren't what'll what're what's what've when's
where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've
y'all y'all'd've y'all'll you'd you'd've you'll you're you've
"""


def _misspelt(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place, sign in enumerate(word) if sign == "'"]


CORRECTED = {wrong: word for word in CORRECT.split() for wrong in _misspelt(word)} | {"somebody'd": "somebodyd"}
