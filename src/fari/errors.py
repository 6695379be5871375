"""Errors a person can act on. Bad data is a `Problem` (fari.ledger.problems), not an exception."""

from collections.abc import Iterable
from difflib import get_close_matches


class FariError(Exception):
    """Refused or failed: one clear line, exit status 1."""


class UsageError(FariError):
    """The request is wrong (unknown metric, dimension, period): exit status 2."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence naming the closest known word, or an empty string.

    >>> did_you_mean("curn", ["churn", "mrr"])
    "; did you mean 'churn'?"
    """
    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
