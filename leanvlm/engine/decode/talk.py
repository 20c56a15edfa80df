"""One conversation while it is decoded: which token the model reads next, its own or one of the next question.

A later question is read token by token into the cache that the answer before it left, at the positions that follow, as
if the model had said it. So what a recipe left out, visual tokens or positions of the cache, it left out once, for the
first question, and later ones must live with it. Ways of decoding need not know: to them it is all one long answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from leanvlm.engine.decode.steps import Chosen, DecodeStart, Turn
from leanvlm.models._model import LoadedModel


@dataclass
class Talk:
    """The answers so far, each with its end token if it came within its limit, and what is still to be read."""

    model: LoadedModel
    stops: frozenset[int]
    limit: int  # most tokens of the answer that grows
    stop_texts: tuple[str, ...]
    later: deque[Turn]
    answers: list[list[Chosen]] = field(default_factory=lambda: [[]])
    unread: deque[int] = field(default_factory=deque)

    @classmethod
    def begin(cls, model: LoadedModel, start: DecodeStart, stops: frozenset[int], limit: int | None) -> Talk:
        """Take: limit, that of a start without one of its own."""
        most = start.limit or limit
        assert most is not None, "a limit for each answer, or one for all"
        return cls(model, stops, most, start.stop_texts, deque(start.later))

    def next(self, chosen: Chosen) -> int | None:
        """Return the token that comes next where the model has chosen one, or None where all is said."""
        token = chosen.token
        if self.unread:
            return self.unread.popleft()
        answer = self.answers[-1]
        answer.append(chosen)
        is_stopped = token in self.stops or self._says_stop(answer)
        if not is_stopped and len(answer) < self.limit:
            return token
        if not self.later:
            return None
        self._turn_to(self.later.popleft(), said=[] if is_stopped else [token])
        return self.unread.popleft()

    def _turn_to(self, turn: Turn, *, said: Sequence[int]) -> None:
        """Let the next turn begin; the template says how an answer ends, so a token that stopped it is not read."""
        self.unread.extend((*said, *turn.ids))
        self.answers.append([])
        self.limit, self.stop_texts = turn.limit, turn.sample.stop_texts

    def _says_stop(self, answer: Sequence[Chosen]) -> bool:
        if not self.stop_texts:
            return False
        said = self.model.tokenizer.decode([one.token for one in answer], skip_special_tokens=True)
        return any(text in said for text in self.stop_texts)
