"""A server that speaks as Stripe's API does: pages, filters, expansion and errors with their bodies; and what can go wrong on the way."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.stripe_made import Object, event

KEY = "sk_test_of_the_tests"
_LISTED = {
    "prices": ("price", "expand"),
    "coupons": ("coupon", "expand created"),
    "customers": ("customer", "created"),
    "subscriptions": ("subscription", "expand created status customer"),
    "subscription_schedules": ("subscription_schedule", "created"),
    "invoices": ("invoice", "expand created status subscription"),
    "events": ("event", "created type"),
}
"""By path the kind of object and the parameters that the test needs to be taken; any other is refused, as Stripe refuses it."""
_EXPANDABLE = {
    "price": ("tiers", "currency_options", "product"),
    "coupon": ("applies_to", "currency_options"),
    "subscription": ("discounts", "discounts.source.coupon", "items.data.discounts"),
    "invoice": ("discounts", "discounts.source.coupon"),
}


@dataclass
class Fault:
    """What goes wrong with the next requests to a path (any where it is empty): a status with headers, `cut` or `half`."""

    path: str = ""
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "answer"
    times: int = 1


class StripeServer:
    """One Stripe account, and the clerk who can make mistakes."""

    def __init__(self, page: int = 3) -> None:
        self.page = page
        self.objects: dict[str, dict[str, Object]] = {kind: {} for kind, _ in _LISTED.values()}
        self.faults: list[Fault] = []
        self.forbidden: set[str] = set()
        self.asked: list[str] = []
        """Paths with their queries, in the order they came."""
        self.url = ""

    def put(self, *objects: Object) -> None:
        """Have these objects, without a word about it."""
        for one in objects:
            self.objects[str(one["object"])][str(one["id"])] = one

    def tell(self, own: str, when: str, kind: str, of: Object, **previous: Any) -> None:
        """Have this object, and an event that says so."""
        if not kind.endswith(".deleted") or of["object"] == "subscription":
            self.put(of)
        told = deepcopy(of)
        told.pop("tiers", None)  # no event has what must be asked for
        told["discounts"] = [one["id"] if isinstance(one, dict) else one for one in told.get("discounts") or ()]
        self.put(event(own, when, kind, told, **previous))

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(urlsplit(one).path == f"/v1/{path}" for one in self.asked)

    def answer(self, path: str, query: Mapping[str, list[str]], key: str) -> tuple[int, Object]:
        """Status and body."""
        if key != KEY:
            return 401, _error("invalid_request_error", "Invalid API Key provided: sk_test_****************ther")
        parts = path.removeprefix("/v1/").split("/")
        if parts[0] in self.forbidden:
            return 403, _error("invalid_request_error", "The provided key does not have the required permissions for this endpoint.")
        if parts[0] == "subscription_items" or len(parts) == 3:
            return self._inside(parts, query)
        if parts[0] not in _LISTED:
            return 404, _error("invalid_request_error", f"Unrecognized request URL (GET: {path}).")
        kind, allowed = _LISTED[parts[0]]
        unknown = {name.split("[")[0] for name in query} - {*allowed.split(), "limit", "starting_after", "expand"}
        if unknown:
            return 400, _error("invalid_request_error", f"Received unknown parameter: {unknown.pop()}")
        wanted = [value for name, values in query.items() if name.startswith("expand") for value in values]
        base = "" if len(parts) == 2 else "data."
        if refused := [one for one in wanted if one.count(".") > 3 or one.removeprefix(base) not in _EXPANDABLE.get(kind, ())]:
            return 400, _error("invalid_request_error", f"This property cannot be expanded ({refused[0]}).")
        shown = {one.removeprefix(base) for one in wanted}
        if len(parts) == 2:
            found = self.objects[kind].get(parts[1])
            return (
                (200, _shown(found, shown)) if found else (404, _error("invalid_request_error", f"No such {kind}: '{parts[1]}'", "resource_missing"))
            )
        every = [one for one in self.objects[kind].values() if _fits(one, query)]
        if kind == "subscription" and query.get("status") != ["all"]:
            every = [one for one in every if one["status"] != "canceled"]
        # Newest first; of one second the last that came.
        every = [one for _, one in sorted(enumerate(every), key=lambda pair: (-int(pair[1].get("created") or 0), -pair[0]))]
        return self._page(path, every, query, shown)

    def _inside(self, parts: list[str], query: Mapping[str, list[str]]) -> tuple[int, Object]:
        if parts[0] == "subscription_items":
            holder = self.objects["subscription"].get(query["subscription"][0])
            return self._page("/v1/subscription_items", holder["items"]["data"] if holder else [], query, set())
        holder = self.objects["invoice"].get(parts[1])
        if holder is None:
            return 404, _error("invalid_request_error", f"No such invoice: '{parts[1]}'", "resource_missing")
        return self._page("/".join(["/v1", *parts]), holder["lines"]["data"], query, set())

    def _page(self, path: str, every: list[Object], query: Mapping[str, list[str]], shown: set[str]) -> tuple[int, Object]:
        begun = 0
        if after := query.get("starting_after"):
            places = [n for n, one in enumerate(every) if one["id"] == after[0]]
            if not places:
                return 400, _error("invalid_request_error", f"No such object: '{after[0]}'", "resource_missing")
            begun = places[0] + 1
        size = min(int(query.get("limit", ["10"])[0]), 100, self.page)
        data = [_shown(one, shown) for one in every[begun : begun + size]]
        return 200, {"object": "list", "url": path, "has_more": begun + size < len(every), "data": data}


def _error(kind: str, message: str, code: str | None = None) -> Object:
    return {"error": {"type": kind, "message": message, **({"code": code} if code else {})}}


def _fits(one: Object, query: Mapping[str, list[str]]) -> bool:
    at = int(one.get("created") or 0)
    bounds = {name[8:-1]: int(values[0]) for name, values in query.items() if name.startswith("created[")}
    return bounds.get("gte", at) <= at <= bounds.get("lte", at)


def _shown(one: Object, expanded: set[str]) -> Object:
    """An object as it is given: what has to be asked for is not in it, lists inside it show their beginning."""
    made = deepcopy(one)
    if made["object"] == "price" and "tiers" not in expanded:
        made.pop("tiers", None)
    if "discounts" in made and not any(path.startswith("discounts") for path in expanded):
        made["discounts"] = [given["id"] if isinstance(given, dict) else given for given in made["discounts"]]
    for given in made.get("discounts") or ():
        if isinstance(given, dict) and "discounts.source.coupon" not in expanded and isinstance(given["source"]["coupon"], dict):
            given["source"]["coupon"] = given["source"]["coupon"]["id"]
    for name in ("items", "lines"):
        inner = made.get(name)
        if isinstance(inner, dict) and len(inner["data"]) > 10:
            made[name] = {**inner, "data": inner["data"][:10], "has_more": True}
    return made


@contextmanager
def serving(server: StripeServer) -> Iterator[StripeServer]:
    """The server at an address of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.asked.append(self.path)
            address = urlsplit(self.path)
            query: dict[str, list[str]] = {}
            for name, value in parse_qsl(address.query):
                query.setdefault(name, []).append(value)
            fault = next((one for one in server.faults if one.times and address.path.startswith(f"/v1/{one.path}")), None)
            status, body = server.answer(address.path, query, self.headers.get("Authorization", "").removeprefix("Bearer "))
            headers: Mapping[str, str] = {}
            if fault:
                fault.times -= 1
                if fault.how == "answer":
                    kind = "rate_limit_error" if fault.status == 429 else "api_error"
                    status, body, headers = fault.status, _error(kind, "Something went wrong on our end."), fault.headers
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text) if not (fault and fault.how == "half") else len(text) // 2))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if fault and fault.how in ("cut", "half"):
                self.wfile.write(text[: len(text) // 2])
                self.close_connection = True
            else:
                self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{listener.server_port}"
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
