"""How long a Connect server that does not answer is tried: pyspark's client alone would try each call for ten minutes, closing included."""

from __future__ import annotations

from time import monotonic

from pyspark.sql.connect.client.retries import DefaultPolicy, RetryPolicyState

MOMENT = 5.0


class Patience(DefaultPolicy):      # type: ignore[misc]  # pyspark is untyped here
    """Tries a call for `seconds` from its first failure on. What follows a call that was given up fails at its first try for a moment:
    each view that a run closes would otherwise wait anew.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(max_retries=None, initial_backoff=200, backoff_multiplier=2.0, max_backoff=5000)
        self.seconds = seconds
        self._given_up: float | None = None

    def lost(self) -> bool:
        """Whether a call was given up just now."""
        return self._given_up is not None and monotonic() - self._given_up < MOMENT

    def give_up(self) -> None:
        self._given_up = monotonic()

    def to_state(self) -> _Trying:
        return _Trying(self)


class _Trying(RetryPolicyState):    # type: ignore[misc]
    """One call's tries."""

    def __init__(self, policy: Patience) -> None:
        super().__init__(policy)
        self._patience = policy
        self._end: float | None = None

    def next_attempt(self, exception: BaseException | None = None) -> int | None:
        """Milliseconds until the next try; None where it is given up."""
        if self._patience.lost():
            return None
        end = self._end = monotonic() + self._patience.seconds if self._end is None else self._end
        left = int((end - monotonic()) * 1000)
        if left <= 0:
            self._patience.give_up()
            return None
        wait: int | None = super().next_attempt(exception)
        return wait if wait is None else min(wait, left)
