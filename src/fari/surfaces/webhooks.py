"""`fari webhooks`: Stripe's events as they happen. Each is checked, on disk before it is acknowledged, and taken into the ledger with others."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fari.errors import FariError
from fari.surfaces import terminal
from fari.surfaces.project import Place, now, today

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from fari.ledger.store import Ledger

_LARGEST = 4 * 2**20
"""Bytes; an event about an invoice of many lines has about one of these."""
_TOLERANCE = 300
"""Seconds for which a signature holds."""
_AT_ONCE = 1_000
_SOURCE = "stripe"


def serve(place: Place, host: str, port: int, every: float) -> None:
    """Listen until stopped."""
    secret = os.environ.get("STRIPE_WEBHOOK_SECRET", "").strip()
    if not secret:
        raise FariError("STRIPE_WEBHOOK_SECRET is not set: it is the signing secret of the endpoint (Stripe: Developers, Webhooks)")
    ledger = place.project()
    try:
        import uvicorn

        app = application(ledger, secret, every)
    except ImportError as missing:
        raise FariError(f"webhooks need {missing.name}: python -m pip install 'fari[webhooks]'") from None
    terminal.note(f"listening on http://{host}:{port}/webhooks/stripe")
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False, limit_concurrency=100)


def application(ledger: "Ledger", secret: str, every: float = 60) -> "Starlette":
    """The ASGI application: POST /webhooks/stripe. What came is taken into the ledger every so many seconds, and when it starts and stops."""
    import stripe
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from fari.ledger.spool import Spool

    spool = Spool(ledger.folder / "spool.sqlite")

    async def receive(request: "Request") -> "Response":
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > _LARGEST:
                return JSONResponse({"error": "too large"}, 413)
        try:
            text = body.decode()
            event = stripe.Webhook.construct_event(text, request.headers.get("Stripe-Signature"), secret, _TOLERANCE)
            own = event["id"] if event["object"] == "event" else None
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError, stripe.SignatureVerificationError):
            own = None
        if not isinstance(own, str):
            # Whoever knocks here learns nothing of why.
            return JSONResponse({"error": "not an event that Stripe has signed for this endpoint"}, 400)
        new = await asyncio.to_thread(spool.put, _SOURCE, own, text, int(now().timestamp()))
        return JSONResponse({"received": own, "known": not new})

    async def now_and_then() -> None:
        while True:
            await asyncio.to_thread(take_in, ledger)
            await asyncio.sleep(every)

    @asynccontextmanager
    async def lifespan(_: "Starlette") -> AsyncIterator[None]:
        task = asyncio.create_task(now_and_then())
        yield
        task.cancel()
        await asyncio.to_thread(take_in, ledger)

    return Starlette(routes=[Route("/webhooks/stripe", receive, methods=["POST"])], lifespan=lifespan)


def take_in(ledger: "Ledger") -> None:
    """What waits in the spool into the ledger. What cannot be taken in now waits on; why is said on standard error, without what it holds."""
    from fari.ledger.acts import How
    from fari.ledger.spool import Spool
    from fari.sources.syncing import receive

    spool = Spool(ledger.folder / "spool.sqlite")
    try:
        while waiting := spool.waiting(_SOURCE, _AT_ONCE):
            at = now()
            report = receive(ledger, _SOURCE, [json.loads(body) for _, body in waiting], How(today(ledger.company), at))
            spool.taken(_SOURCE, [own for own, _ in waiting], int(at.timestamp()))
            for problem in report.problems:
                terminal.note(f"{problem.what} ({problem.mend})" if problem.mend else problem.what)
    except FariError as error:
        terminal.complain(error)
    except Exception as error:
        if os.environ.get("FARI_DEBUG"):
            raise
        terminal.complain(f"{type(error).__name__} while taking in events: they wait, and are tried again (FARI_DEBUG=1 shows where)")
