"""What judging may cost: no call is begun that could take it beyond the limit, whatever the reply turns out to cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Spent(Exception):
    """The next call could go beyond the limit."""


class Budget:
    """Dollars that are spent, and those that are held for calls on their way; several threads share it."""

    def __init__(self, most: float, *, spent: float = 0.0) -> None:
        self.spent = spent
        self._most = most
        self._held: list[float] = []
        self._changed = Condition()

    @contextmanager
    def holding(self, most: float) -> Iterator[list[float]]:
        """Hold what a call can cost for the length of a `with`; its body puts what it did cost into the list.

        It waits while calls on their way hold what they may not need. Without an entry the call cost nothing.

        Raises: Spent where the call could go beyond the limit.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(most) or not self._held)
            if not self._has_room(most):
                raise Spent
            self._held.append(most)
        paid: list[float] = []
        try:
            yield paid
        finally:
            with self._changed:
                self._held.remove(most)
                self.spent += sum(paid)
                self._changed.notify_all()

    def _has_room(self, dollars: float) -> bool:
        return self.spent + sum(self._held) + dollars <= self._most
