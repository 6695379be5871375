"""Votes: a team's survey on the desk. A link lets whoever has it vote without an account: one vote a browser, which can be changed."""

from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from fari.errors import UsageError
from fari.insight.survey import OTHER, Result, choices, result
from fari.surfaces.project import now
from fari.surfaces.web import view
from fari.surfaces.web.desk import Desk
from fari.surfaces.web.door import csrf, language
from fari.surfaces.web.html import alone
from fari.surfaces.web.site import Site
from fari.surfaces.words import Words, words

COOKIE = "fari_vote"
LONGEST = 500
"""Letters of a reason."""
MOST = 500
"""Votes of one survey: a link that got out must not fill the disk."""
_TABLES = """
CREATE TABLE IF NOT EXISTS surveys (id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, made INTEGER NOT NULL, closed INTEGER);
CREATE TABLE IF NOT EXISTS votes (
    survey INTEGER NOT NULL REFERENCES surveys (id), voter TEXT NOT NULL, metric TEXT NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (survey, voter)
);
"""


@dataclass(frozen=True)
class Survey:
    """A survey: its link's token, and whether it still takes votes."""

    id: int
    token: str
    open: bool


@dataclass(frozen=True)
class Vote:
    """One vote. Whose it is nobody can tell."""

    metric: str
    why: str


def latest(desk: Desk) -> Survey | None:
    """The newest survey; None where there never was one."""
    rows = desk.rows(_TABLES, "SELECT id, token, closed FROM surveys ORDER BY id DESC LIMIT 1")
    return Survey(rows[0]["id"], rows[0]["token"], rows[0]["closed"] is None) if rows else None


def begin(desk: Desk) -> Survey:
    """Make a survey with a new link; the one before takes no more votes."""
    token, at = token_urlsafe(18), int(now().timestamp())
    with desk.writing(_TABLES) as db:
        db.execute("UPDATE surveys SET closed = ? WHERE closed IS NULL", (at,))
        own = db.execute("INSERT INTO surveys (token, made) VALUES (?, ?)", (token, at)).lastrowid
    assert own is not None
    return Survey(own, token, True)


def close(desk: Desk) -> None:
    """Take no more votes."""
    with desk.writing(_TABLES) as db:
        db.execute("UPDATE surveys SET closed = ? WHERE closed IS NULL", (int(now().timestamp()),))


def votes(desk: Desk, survey: Survey | None) -> list[Vote]:
    """The votes of a survey, the latest first."""
    if survey is None:
        return []
    rows = desk.rows(_TABLES, "SELECT metric, why FROM votes WHERE survey = ? ORDER BY at DESC, voter", (survey.id,))
    return [Vote(row["metric"], row["why"]) for row in rows]


def outcome(desk: Desk) -> Result:
    """What the newest survey has come to."""
    return result([one.metric for one in votes(desk, latest(desk))])


def focus(desk: Desk) -> tuple[str, ...]:
    """The metrics that the team keeps in focus."""
    return outcome(desk).focus


def cast(desk: Desk, token: str, voter: str, metric: str, why: str) -> None:
    """Count a vote, in place of the voter's own one before. UsageError where it cannot be."""
    if metric not in choices():
        raise UsageError("choose one of the metrics of the list")
    why = " ".join(why.split())[:LONGEST]
    with desk.writing(_TABLES) as db:
        row = db.execute("SELECT id FROM surveys WHERE token = ? AND closed IS NULL", (token,)).fetchone()
        if row is None:
            raise UsageError("this survey takes no more votes")
        own = _whose(row["id"], voter)
        many = db.execute("SELECT count(*) FROM votes WHERE survey = ? AND voter <> ?", (row["id"], own)).fetchone()[0]
        if many >= MOST:
            raise UsageError(f"this survey has its {MOST} votes")
        db.execute(
            "INSERT INTO votes VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET metric = excluded.metric, why = excluded.why, at = excluded.at",
            (row["id"], own, metric, why, int(now().timestamp())),
        )


def own_vote(desk: Desk, survey: Survey, voter: str) -> Vote | None:
    """A voter's own vote, to be changed."""
    rows = desk.rows(_TABLES, "SELECT metric, why FROM votes WHERE survey = ? AND voter = ?", (survey.id, _whose(survey.id, voter)))
    return Vote(rows[0]["metric"], rows[0]["why"]) if rows else None


def _whose(survey: int, voter: str) -> str:
    return sha256(f"{survey} {voter}".encode()).hexdigest()


def label(said: Words, metric: str) -> str:
    """What a choice is called."""
    return said.say("another") if metric == OTHER else said.label(metric)


def add_votes(app: FastAPI, site: Site) -> None:
    """The address /vote/TOKEN, which everybody may open who knows it."""

    def show(request: Request, error: str = "", status: int = 200) -> Response:
        desk, token = site.desk, str(request.path_params["token"])
        given = request.query_params.get("lang", "")
        said = words(given if given in ("en", "it") else language(request))
        survey = latest(desk)
        found = survey if survey is not None and survey.open and survey.token == token else None
        own = own_vote(desk, found, request.cookies.get(COOKIE, "")) if found else None
        shown = {
            "open": found is not None, "own": own, "csrf": csrf(request), "error": error, "longest": LONGEST,
            "choices": [(name, label(said, name)) for name in choices()], "path": view.address(f"/vote/{token}", []),
            "result": outcome(desk) if own else None, "label": label, "again": "again" in request.query_params,
        }  # fmt: skip
        return HTMLResponse(alone("vote.html", said, **shown), status if found else 404)

    async def ask(request: Request) -> Response:
        return await run_in_threadpool(show, request)

    async def vote(request: Request) -> Response:
        form = await request.form(max_files=0)
        voter = request.cookies.get(COOKIE) or token_urlsafe(24)
        try:
            metric, why = str(form.get("metric") or ""), str(form.get("why") or "")
            await run_in_threadpool(cast, site.desk, str(request.path_params["token"]), voter, metric, why)
        except UsageError as error:
            return await run_in_threadpool(show, request, str(error), 400)
        response = RedirectResponse(view.address(request.url.path, request.query_params.multi_items()), 303)
        seconds = 400 * 24 * 3600
        response.set_cookie(COOKIE, voter, max_age=seconds, path="/vote", httponly=True, samesite="lax", secure=request.url.scheme == "https")
        return response

    app.add_api_route("/vote/{token}", ask, methods=["GET"], include_in_schema=False)
    app.add_api_route("/vote/{token}", vote, methods=["POST"], include_in_schema=False)
