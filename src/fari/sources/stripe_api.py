"""Stripe's API through its official client: one page at a time, tried again where the network, Stripe or its limits stand in the way."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fari.errors import FariError
from fari.sources.stripe_price import id_of

TRIES = 7
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 60.0
_PAGE = 100
"""As many objects as Stripe gives at once."""


class GoneError(Exception):
    """There is no such object any more."""


class Api:
    """Reads from one Stripe account.

    Args:
        key: a secret or restricted key, of live or test mode.
        base: another address than Stripe's, for tests.
        say: told why it waits.
        sleep: how it waits.
    """

    def __init__(
        self, key: str, base: str | None = None, say: Callable[[str], None] = lambda _: None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        try:
            import stripe
        except ImportError:
            raise FariError("reading from Stripe needs its client: python -m pip install 'fari[stripe]'") from None
        stripe.enable_telemetry = False
        self._stripe = stripe
        addresses = {"api": base} if base else {}
        http = stripe.RequestsClient(timeout=80)
        # It is tried again here, where what is asked for can be said.
        self._client = stripe.StripeClient(key, base_addresses=addresses, max_network_retries=0, http_client=http)
        self.key = key
        self.say = say
        self.sleep = sleep

    @property
    def live(self) -> bool:
        """Whether the key is one of live mode."""
        return "_test_" not in self.key

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """One object or page of `/v1/PATH`. GoneError where there is none; FariError where the key does not allow it or Stripe cannot be reached."""
        what = path.split("/", maxsplit=1)[0].replace("_", " ")
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._client.raw_request("get", f"/v1/{path}", **params)
                found = answer.data
                if isinstance(found, dict):
                    return found
                error, wait = "its answer was no JSON object", None
            except self._stripe.AuthenticationError as refused:
                raise FariError(f"Stripe does not accept the key in STRIPE_API_KEY: {_said(refused)}") from None
            except self._stripe.PermissionError:
                raise FariError(
                    f"the key in STRIPE_API_KEY may not read {what}: give the restricted key the permission Read for {what} "
                    "(Stripe: Developers, API keys), or use a secret key"
                ) from None
            except self._stripe.InvalidRequestError as refused:
                if refused.http_status == 404 or refused.code == "resource_missing":
                    raise GoneError(path) from None
                raise FariError(f"Stripe refused to give {what}: {_said(refused)}") from None
            except self._stripe.RateLimitError as limited:
                error, wait = "too many requests", _retry_after(limited.headers)
            except self._stripe.APIConnectionError:
                error, wait = "the connection was cut", None
            except self._stripe.StripeError as failed:
                error, wait = f"it answered {failed.http_status}", _retry_after(failed.headers)
            if attempt < TRIES:
                wait = min(_FIRST_WAIT * 2 ** (attempt - 1) if wait is None else wait, _LONGEST_WAIT)
                self.say(f"{what}: {error}; trying again in {wait:.1f} s")
                self.sleep(wait)
        raise FariError(f"Stripe could not be read ({what}): {error}, {TRIES} times; run it again, it goes on from there")

    def pages(self, path: str, after: str | None = None, **params: Any) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
        """The pages of a list, newest objects first, each with the id to go on after; None with the last.

        Where the object to go on after is gone the list begins again. GoneError where there is no such list.
        """
        while True:
            try:
                page = self.get(path, limit=_PAGE, **({"starting_after": after} if after else {}), **params)
            except GoneError:
                if after is None:
                    raise
                after = None
                continue
            data = [one for one in page.get("data") or () if isinstance(one, dict)]
            after = id_of(data[-1]) if data and page.get("has_more") else None
            yield data, after
            if after is None:
                return

    def whole(self, value: dict[str, Any], name: str, path: str, **params: Any) -> dict[str, Any]:
        """An object with all of a list inside it, where it came with its beginning only."""
        inner = value.get(name)
        if not isinstance(inner, dict) or not inner.get("has_more"):
            return value
        try:
            data = [one for page, _ in self.pages(path, **params) for one in page]
        except GoneError:
            return value
        return {**value, name: {**inner, "data": data, "has_more": False}}


def _said(error: Any) -> str:
    """Stripe's own words, which never hold the whole key."""
    return str(getattr(error, "user_message", None) or "no reason given").rstrip(".")


def _retry_after(headers: Mapping[str, str] | None) -> float | None:
    """How many seconds an answer asks to wait."""
    try:
        return max(0.0, float((headers or {}).get("Retry-After") or (headers or {})["retry-after"]))
    except (KeyError, ValueError):
        return None
