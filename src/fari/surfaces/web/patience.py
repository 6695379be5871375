"""Patience with those who knock: who fails often waits, twice as long each time, and who asks too fast waits a little."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from math import ceil

_REMEMBERED = 10_000
"""So many knockers are remembered, the latest."""
_FORGOTTEN = 3_600.0
"""Seconds after which failures no longer count."""
Clock = Callable[[], float]


@dataclass
class Patience:
    """Failures that cost nothing, the longest wait in seconds, and a clock that only goes on.

    >>> clock = iter([0.0] * 8).__next__
    >>> patience = Patience(free=1, longest=900, clock=clock)
    >>> [(patience.failed("eve"), patience.wait("eve"))[1] for _ in range(3)]
    [0, 1, 2]
    """

    free: int
    longest: float
    clock: Clock = time.monotonic
    _known: OrderedDict[Hashable, tuple[int, float]] = field(default_factory=OrderedDict)

    def wait(self, who: Hashable) -> int:
        """Seconds that somebody has to wait before the next try; 0 if none."""
        failures, last = self._known.get(who, (0, 0.0))
        if failures <= self.free:
            return 0
        return max(0, ceil(last + min(self.longest, 2.0 ** min(failures - self.free - 1, 30)) - self.clock()))

    def failed(self, who: Hashable) -> None:
        """Note a failure. It is noted before a password is tried, so that many tries at once are not one."""
        at = self.clock()
        failures, last = self._known.pop(who, (0, at))
        self._known[who] = (1 if at - last > _FORGOTTEN else failures + 1, at)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def forgive(self, who: Hashable, failures: int | None = None) -> None:
        """Forget all failures, or so many."""
        known, last = self._known.get(who, (0, 0.0))
        if failures is None or known <= failures:
            self._known.pop(who, None)
        else:
            self._known[who] = (known - failures, last)


@dataclass
class Pace:
    """So many requests in a minute, some of them at once.

    >>> clock = iter([0.0, 0.0, 0.0, 1.0]).__next__
    >>> pace = Pace(a_minute=60, at_once=2, clock=clock)
    >>> [pace.wait("key") for _ in range(4)]
    [0, 0, 1, 0]
    """

    a_minute: float
    at_once: float
    clock: Clock = time.monotonic
    _left: OrderedDict[Hashable, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, who: Hashable) -> int:
        """0 if the request may go on; else the seconds until one may."""
        at, rate = self.clock(), self.a_minute / 60
        left, last = self._left.pop(who, (self.at_once, at))
        left = min(self.at_once, left + (at - last) * rate)
        self._left[who] = (left - 1 if left >= 1 else left, at)
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return 0 if left >= 1 else ceil((1 - left) / rate)
