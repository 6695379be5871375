"""The command line: what there is to type. What a command does stands in a module of its own, imported when it is run."""

import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from fari import __version__
from fari.errors import FariError, UsageError
from fari.surfaces import terminal
from fari.surfaces.project import Place

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="fari",
    add_completion=False,
    rich_markup_mode=None,  # Rich's help takes longer to load than all of the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def fari(
    context: typer.Context,
    here: Annotated[list[Path] | None, typer.Option("-C", metavar="DIR", help="Run as if started in DIR, as git does.")] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """The whole subscription funnel, from visitor to MRR, computed from your own files.

    Begin with `fari demo`, or with `fari init` and `fari import FILE...`.
    """
    folder = Path.cwd()
    for each in here or ():
        folder /= each
    if not folder.is_dir():
        raise UsageError(f"-C {folder}: there is no such folder")
    context.obj = Place(folder)
    if version:
        terminal.write(f"fari {__version__}\n")
    elif context.invoked_subcommand is None:
        terminal.write(f"{context.get_help()}\n")


@app.command()
def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.", show_default=False)] = Path("fari-demo"),
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the table in the terminal.")] = False,
    months: Annotated[int, typer.Option(metavar="N", help="How many whole months of history.")] = 24,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same company.")] = 1,
    size: Annotated[str, typer.Option(metavar="small|medium|large", help="How large a company.")] = "small",
) -> None:
    """Make up a company and show its funnel.

    Its tools' exports are written into the folder and imported month by month, as they would have become known. On a terminal the dashboard opens.
    """
    from fari.surfaces.demo import show_demo

    show_demo(context.obj, folder, months, seed, size, serving=not no_serve)


@app.command()
def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder; else the current one.", show_default=False)] = Path(),
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The company's name; the folder's if none is given.")] = None,
    currency: Annotated[str, typer.Option(metavar="CODE", help="The currency everything is reported in.")] = "EUR",
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="The zone whose days count, such as Europe/Rome; this machine's if none is given.")
    ] = None,
) -> None:
    """Make a project: a folder with `fari.toml`."""
    from fari.surfaces.starting import make_project

    make_project(context.obj, folder, name, currency, timezone)


@app.command("import")
def import_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="CSV, TSV, JSON, JSON Lines, Parquet or Excel, plain or .gz.")],
    as_: Annotated[str | None, typer.Option("--as", metavar="FORMAT", help="What the files are, where their header does not tell.")] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME", help="Keep two exports of one format apart (two Stripe accounts).")] = None,
    append: Annotated[bool, typer.Option("--append", help="Add to what is known of each key instead of replacing it.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="The files are the whole truth of the period they cover: rows they lack are withdrawn.")
    ] = False,
    recorded: Annotated[str | None, typer.Option(metavar="DATE", help="The day this became known, for history filled in later.")] = None,
    covers: Annotated[str | None, typer.Option(metavar="FROM..UNTIL", help="The days the files speak for; the last is exclusive.")] = None,
    rejects: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every rejected row, with line and reason, as CSV.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report and store nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Bring files into the ledger.

    Importing one twice adds nothing, and one that cannot be read does not stop the others.
    """
    from fari.surfaces.importing import Wanted, bring

    wanted = Wanted(tuple(files), as_, source, append, replace, recorded, covers, rejects, dry_run)
    if not bring(context.obj, wanted, json):
        raise typer.Exit(FAILED)


@app.command()
def sync(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="SOURCE", help="What to read: stripe.")],
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Read everything again, history from this day on.")] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME", help="Keep two accounts of one vendor apart.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and report, and store nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Read what is new from a vendor's API.

    Everything the first time, then only what has changed. Its key comes from the environment. One that was stopped goes on where it was.
    """
    from fari.surfaces.syncing import bring_from

    bring_from(context.obj, name, since, source, dry_run, json)


@app.command()
def webhooks(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="The port to listen at.")] = 8401,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="How often what came is taken into the ledger.")] = 60,
) -> None:
    """Receive Stripe's events as they happen.

    POST /webhooks/stripe, signed with the secret in STRIPE_WEBHOOK_SECRET. Put it behind a server that speaks HTTPS.
    """
    from fari.surfaces.webhooks import serve

    serve(context.obj, host, port, every)


@app.command()
def imports(context: typer.Context, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """What was imported, when and with which totals; newest last."""
    from fari.surfaces.importing import list_imports

    list_imports(context.obj, json)


@app.command()
def undo(
    context: typer.Context,
    import_id: Annotated[str, typer.Argument(metavar="ID", help="As `fari imports` names it; its beginning is enough.")],
) -> None:
    """Take an import back.

    It becomes invisible, and what was known before returns. Nothing is deleted.
    """
    from fari.surfaces.importing import take_back

    take_back(context.obj, import_id)


@app.command()
def person(
    context: typer.Context,
    whom: Annotated[str, typer.Argument(metavar="PERSON", help="An id, as the files have it, or an e-mail address.")],
) -> None:
    """All that is known of one person, as JSON.

    Under all ids that are the same person, in every version, with file and import.
    """
    from fari.surfaces.persons import show_person

    show_person(context.obj, whom)


@app.command()
def erase(
    context: typer.Context,
    whom: Annotated[str, typer.Argument(metavar="PERSON", help="An id, as the files have it, or an e-mail address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove what says who somebody is.

    From every version, for good; ids, dates and counts stay, so that figures do.
    """
    from fari.surfaces.persons import erase_person

    erase_person(context.obj, whom, yes)


@app.command()
def metrics(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Metrics; all if none is named.", show_default=False)] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="PERIOD", help="First period: 2025, 2025-Q1, 2025-03, 2025-W07 or 2025-03-31.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="PERIOD", help="Last period, included. Default: the last twelve whole months.")] = None,
    grain: Annotated[str | None, typer.Option(metavar="day|week|month|quarter|year|total", help="How the range is cut; total is one period.")] = None,
    compare: Annotated[
        str | None,
        typer.Option(metavar="previous|year|weekdays|PERIOD", help="Add the value of another period, like for like; of two, with a comma."),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="DIM,...", help="Split by channel, campaign, plan, country, ...")] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    interval: Annotated[
        float | None, typer.Option("--interval", metavar="PERCENT", help="Add bounds, such as 90; with --compare say which changes are real.")
    ] = None,
    attribution: Annotated[str, typer.Option(metavar="MODEL", help="Which touch is credited.")] = "first",
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    engine: Annotated[str, typer.Option(metavar="URL", help="What computes: duckdb, or sc://HOST:PORT (Spark Connect).")] = "duckdb",
    format_: Annotated[str, typer.Option("--format", metavar="table|json|csv|parquet", help="How to print it.")] = "table",
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to FILE instead of standard output.")] = None,
) -> None:
    """Ask for metrics, by period and segment."""
    from fari.surfaces.asking import Asked
    from fari.surfaces.metrics import answer

    asked = Asked(tuple(names or ()), since, until, grain, compare, by, tuple(where or ()), rules, attribution, as_of, engine, interval)
    answer(context.obj, asked, format_, output)


@app.command()
def explain(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A metric.")],
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="2025, 2025-Q1, 2025-03, 2025-W07 or 2025-03-31.")],
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    format_: Annotated[str, typer.Option("--format", metavar="table|json", help="How to print it.")] = "table",
) -> None:
    """Open one number down to the rows of the files.

    Formula, inputs, the rows with file and line that add up to it, and the checks that hold it.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.explaining import open_number

    open_number(context.obj, Asked((name,), period, period, where=tuple(where or ()), rules=rules, as_of=as_of), format_)


@app.command()
def whatif(
    context: typer.Context,
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="METRIC=VALUE", help="customer_churn_rate=3%, new_customers=+10%, leads=-5; none: which driver moves what."),
    ] = None,
    period: Annotated[
        str | None, typer.Option("--period", metavar="PERIOD", help="The period to change; the last whole month if none is named.")
    ] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    lang: Annotated[str, typer.Option(metavar="en|it", help="In which language to say it.")] = "en",
    format_: Annotated[str, typer.Option("--format", metavar="table|json", help="How to print it.")] = "table",
) -> None:
    """Say what follows if metrics were other than they are.

    Every metric that moves, and MRR over the next twelve months. Without a change: which driver, a tenth better, moves the company the most.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.whatif import show_whatif

    show_whatif(context.obj, Asked((), period, where=tuple(where or ()), rules=rules, as_of=as_of), tuple(changes or ()), lang, format_)


@app.command()
def forecast(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Metrics; MRR if none is named.", show_default=False)] = None,
    months: Annotated[int, typer.Option("--months", metavar="N", help="How many months.")] = 12,
    interval: Annotated[float, typer.Option("--interval", metavar="PERCENT", help="How often the bounds are to hold.")] = 80,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    lang: Annotated[str, typer.Option(metavar="en|it", help="In which language to say it.")] = "en",
    format_: Annotated[str, typer.Option("--format", metavar="table|json", help="How to print it.")] = "table",
) -> None:
    """Say what the months to come may bring.

    MRR and customers from the book of today and what is likely to be won, each part shown; other series by the model that did best so far.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.forecasting import show_forecast

    asked = Asked(tuple(names or ()), where=tuple(where or ()), rules=rules, as_of=as_of, interval=interval)
    show_forecast(context.obj, asked, months, lang, format_)


@app.command()
def leading(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Early metrics; all if none is named.", show_default=False)] = None,
    of: Annotated[str, typer.Option("--of", metavar="NAME", help="What is to be foretold: new_customers, new_mrr, ...")] = "new_customers",
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    lang: Annotated[str, typer.Option(metavar="en|it", help="In which language to say it.")] = "en",
    format_: Annotated[str, typer.Option("--format", metavar="table|json", help="How to print it.")] = "table",
) -> None:
    """Say which early figures foretell new customers, and how many weeks ahead.

    Tried week by week on the past, so that vanity metrics show themselves; where the data cannot tell, it says so.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.foretelling import show_leading

    show_leading(context.obj, Asked(tuple(names or ()), where=tuple(where or ()), as_of=as_of), of, lang, format_)


@app.command()
def why(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A metric.")],
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="2025, 2025-Q1, 2025-03, 2025-W07 or 2025-03-31.")],
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="previous|year|weekdays|PERIOD",
            help="What to compare with: the period before, a year before, the same weekdays, or another.",
        ),
    ] = "previous",
    by: Annotated[str | None, typer.Option(metavar="DIM,...", help="Look only at these dimensions; the one that explains most is found.")] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    lang: Annotated[str, typer.Option(metavar="en|it", help="In which language to say it.")] = "en",
    format_: Annotated[str, typer.Option("--format", metavar="table|json", help="How to print it.")] = "table",
) -> None:
    """Say why a figure changed.

    The change split over its inputs, each over the segments of the dimension that explains most, and the rows behind; the parts add up to it.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.why import say_why

    asked = Asked((name,), period, compare=since, by=by, where=tuple(where or ()), rules=rules, as_of=as_of)
    say_why(context.obj, asked, lang, format_)


@app.command()
def restated(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="METRIC", help="Metrics.")],
    known: Annotated[str, typer.Option("--since", metavar="DATE|PERIOD", help="As known at the end of that day, or when that period was closed.")],
    since: Annotated[str | None, typer.Option("--from", metavar="PERIOD", help="First period. Default: the last twelve whole months then.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="PERIOD", help="Last period, included.")] = None,
    grain: Annotated[str | None, typer.Option(metavar="day|week|month|quarter|year|total", help="How the range is cut.")] = None,
    by: Annotated[str | None, typer.Option(metavar="DIM,...", help="Split by channel, campaign, plan, country, ...")] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    format_: Annotated[str, typer.Option("--format", metavar="table|json|csv", help="How to print it.")] = "table",
) -> None:
    """What figures were as known on a day, and what they are now.

    With every row that made the difference, and the import that told of it.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.restating import restate_figures

    asked = Asked(tuple(names), since, until, grain, by=by, where=tuple(where or ()), rules=rules)
    restate_figures(context.obj, asked, known, format_)


@app.command()
def close(
    context: typer.Context,
    period: Annotated[str | None, typer.Argument(metavar="PERIOD", help="2025-03, 2025-Q1, ...; without one, what is closed.")] = None,
    names: Annotated[list[str] | None, typer.Argument(metavar="METRIC", help="Metrics; all if none is named.", show_default=False)] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Publish the figures of a closed period anew; the old ones are kept.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Close a period that is not over or not covered whole.")] = False,
    json: Annotated[bool, typer.Option("--json", help="List what is closed as JSON.")] = False,
) -> None:
    """Record a period's figures as published.

    `fari doctor` then says when one of them has moved, and by which rows.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.closing import close_period, list_closings

    if period is None:
        list_closings(context.obj, json)
    else:
        close_period(context.obj, Asked(tuple(names or ()), period, period, rules=rules), again, anyway)


@app.command()
def cohorts(
    context: typer.Context,
    metric: Annotated[str, typer.Argument(metavar="customers|mrr", help="What to follow.", show_default=False)] = "customers",
    since: Annotated[str | None, typer.Option("--from", metavar="PERIOD", help="First cohort: 2025, 2025-Q1 or 2025-03.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="PERIOD", help="Last cohort, included. Default: the last twelve whole months.")] = None,
    grain: Annotated[str | None, typer.Option(metavar="month|quarter", help="How cohorts are cut.")] = None,
    by: Annotated[str | None, typer.Option(metavar="DIM,...", help="A triangle for each channel, plan, country, ...")] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    share: Annotated[bool, typer.Option("--share", help="In the table, shares of what was there at age 0.")] = False,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    format_: Annotated[str, typer.Option("--format", metavar="table|json|csv", help="How to print it.")] = "table",
) -> None:
    """Follow the customers won in each month.

    How many are there, or what they pay, at the end of that month and of each one after.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.cohorts import show_cohorts

    asked = Asked((metric,), since, until, grain, by=by, where=tuple(where or ()), rules=rules, as_of=as_of)
    show_cohorts(context.obj, asked, share, format_)


@app.command()
def survival(
    context: typer.Context,
    since: Annotated[str | None, typer.Option("--from", metavar="PERIOD", help="Of customers won from this period on. Default: all.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="PERIOD", help="As it stood at the end of this period.")] = None,
    by: Annotated[str | None, typer.Option(metavar="DIM,...", help="A curve for each channel, plan, term, ...")] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    format_: Annotated[str, typer.Option("--format", metavar="table|json|csv", help="How to print it.")] = "table",
) -> None:
    """Say which share of customers is still there at each age.

    Kaplan and Meier's curve with its 95 % band, by months since the first paid day.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.survival import show_survival

    show_survival(context.obj, Asked((), since, until, by=by, where=tuple(where or ()), rules=rules, as_of=as_of), format_)


@app.command()
def clv(
    context: typer.Context,
    by: Annotated[str | None, typer.Option(metavar="DIM,...", help="By channel, plan, country, term, ...")] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    discount: Annotated[float, typer.Option(metavar="RATE", help="What money a year from now is worth less.")] = 0.1,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    format_: Annotated[str, typer.Option("--format", metavar="table|json|csv", help="How to print it.")] = "table",
) -> None:
    """Say what a customer is worth, by the lifetime your own cohorts let expect.

    With bounds and a check against what came, beside the naive figure.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.worth import show_worth

    show_worth(context.obj, Asked(by=by, where=tuple(where or ()), rules=rules, as_of=as_of), discount, format_)


@app.command()
def renewals(
    context: typer.Context,
    days: Annotated[int, typer.Option(metavar="N", help="How many days of the calendar.")] = 90,
    since: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day. Default: the day after the data's last.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Payments of a month or less, too.")] = False,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    format_: Annotated[str, typer.Option("--format", metavar="table|json|csv", help="How to print it.")] = "table",
) -> None:
    """List the renewals due in the next 90 days.

    With the MRR at stake at each, what speaks against it, and the sums by week and month.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.renewing import show_renewals

    show_renewals(context.obj, Asked((), since, where=tuple(where or ()), rules=rules, as_of=as_of), days, every, format_)


@app.command()
def risk(
    context: typer.Context,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    format_: Annotated[str, typer.Option("--format", metavar="table|json|csv", help="How to print it.")] = "table",
) -> None:
    """List the customers at risk, the most MRR at stake first.

    Each with its evidence: set to cancel, past due, paused, gone quiet, unhappy, paying less, due for renewal.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.exposing import show_risk

    show_risk(context.obj, Asked((), where=tuple(where or ()), rules=rules, as_of=as_of), format_)


@app.command()
def rules(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="PRESET", help="One rule set, with the source of each of its answers.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Rule sets: how Fari and other tools make MRR of the same subscriptions.

    `[rules]` in fari.toml picks one and may answer single choices otherwise.
    """
    from fari.surfaces.ruling import show_rules

    show_rules(context.obj, name, json)


@app.command()
def reconcile(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A metric that rests on subscriptions: mrr, customers, ...")],
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="2025, 2025-Q1, 2025-03, 2025-W07 or 2025-03-31.")],
    one: Annotated[
        str | None, typer.Option("--from", metavar="PRESET", help="The rule set to begin with; the company's own if none is given.")
    ] = None,
    other: Annotated[
        str, typer.Option("--to", metavar="PRESET|FIGURE", help="The rule set to end with, or the figure that another system shows.")
    ] = "stripe",
    like: Annotated[
        str | None, typer.Option(metavar="PRESET", help="With a figure: whose rules it was made by; those that come nearest if none are given.")
    ] = None,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    format_: Annotated[str, typer.Option("--format", metavar="table|json", help="How to print it.")] = "table",
) -> None:
    """Walk from one figure to another, rule by rule.

    Each step is an amount and the accounts it comes from; the steps add up exactly, and what no rule explains has a line of its own.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.reconciling import Ends, reconcile_figures

    reconcile_figures(context.obj, Asked((name,), period, period, where=tuple(where or ()), as_of=as_of), Ends(one, other, like), format_)


@app.command()
def advise(
    context: typer.Context,
    top: Annotated[int, typer.Option("--top", metavar="N", help="How many to print.")] = 10,
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    lang: Annotated[str, typer.Option(metavar="en|it", help="In which language to say it.")] = "en",
    format_: Annotated[str, typer.Option("--format", metavar="table|json", help="How to print it.")] = "table",
) -> None:
    """Say where there is the most to gain, in money over the next year.

    Which channel, stage or segment does worse than the rest, what it would bring to do as well, with bounds, and what moves it.
    """
    from fari.surfaces.advising import show_advice
    from fari.surfaces.asking import Asked

    show_advice(context.obj, Asked((), where=tuple(where or ()), rules=rules, as_of=as_of), top, lang, format_)


@app.command()
def report(
    context: typer.Context,
    period: Annotated[
        str | None, typer.Argument(metavar="PERIOD", help="2025, 2025-Q1 or 2025-03; the last whole month if none is named.", show_default=False)
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="FILE.html or FILE.pdf. Default: fari-report-PERIOD.html in the current folder.")
    ] = None,
    compare: Annotated[str, typer.Option(metavar="previous|year|weekdays|PERIOD", help="What to compare with, like for like.")] = "previous",
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    rules: Annotated[str | None, typer.Option(metavar="PRESET", help="Whose definitions to use; see `fari rules`.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    lang: Annotated[str, typer.Option(metavar="en|it", help="In which language to say it.")] = "en",
) -> None:
    """Write the monthly report: one file to send or print.

    What moved and why, the voted metrics, funnel, channels, revenue, forecast, what is unusual, goals, where to look first, and definitions.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.reporting import write_report

    asked = Asked((), period, compare=compare, where=tuple(where or ()), rules=rules, as_of=as_of)
    write_report(context.obj, asked, to, lang)


@app.command()
def digest(
    context: typer.Context,
    period: Annotated[
        str | None, typer.Argument(metavar="PERIOD", help="2025, 2025-Q1 or 2025-03; the last whole month if none is named.", show_default=False)
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Write it to FILE.eml or FILE.html instead of printing it.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Mail it: FARI_SMTP_URL, FARI_MAIL_FROM and FARI_MAIL_TO say how and to whom.")] = False,
    slack: Annotated[bool, typer.Option("--slack", help="Post it to the webhook in FARI_SLACK_WEBHOOK.")] = False,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="The dashboard's address, for the links.")] = "http://127.0.0.1:8400",
    compare: Annotated[str, typer.Option(metavar="previous|year|weekdays|PERIOD", help="What to compare with, like for like.")] = "previous",
    where: Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one segment; may be repeated.")] = None,
    lang: Annotated[str, typer.Option(metavar="en|it", help="In which language to say it.")] = "en",
) -> None:
    """Tell five numbers, each with its change and what carried it most.

    Printed, or for cron mailed with charts or posted to Slack. Stale data is marked as such.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.digesting import send_digest

    send_digest(context.obj, Asked((), period, compare=compare, where=tuple(where or ())), to, (send, slack), url, lang)


@app.command()
def check(
    context: typer.Context,
    alerts: Annotated[bool, typer.Option("--alerts", help="What is unusual, with its cause, and which goals are at risk.")] = False,
    period: Annotated[
        str | None, typer.Option("--period", metavar="PERIOD", help="The month to look at; the last whole one if none is named.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of that day.")] = None,
    lang: Annotated[str, typer.Option(metavar="en|it", help="In which language to say it.")] = "en",
    format_: Annotated[str, typer.Option("--format", metavar="table|json", help="How to print it.")] = "table",
) -> int:
    """Say whether something is wrong, for cron: exit status 3 if so.

    What does not hold or has moved; with --alerts, instead, what a metric's own past does not let expect, and goals likely to be missed.
    """
    from fari.surfaces.asking import Asked
    from fari.surfaces.checking import check_project

    return check_project(context.obj, Asked((), period, as_of=as_of), alerts, lang, format_)


@app.command()
def doctor(context: typer.Context, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Examine the project and say what to do next.

    What is connected, covered, missing, unmapped or failing an identity.
    """
    from fari.surfaces.examining import examine_project

    examine_project(context.obj, json)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="The port to listen at.")] = 8400,
    auth: Annotated[str, typer.Option(metavar="token|password", help="Who may come in: whoever has the link that is printed, or users.")] = "token",
    public_name: Annotated[
        str | None, typer.Option("--public-name", metavar="NAME", help="The name that others reach it by, through a server that speaks HTTPS.")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser.")] = False,
) -> None:
    """Open the dashboard in the browser.

    It listens on this machine alone, to whoever has the link that it prints. For a team: `fari users add NAME`, then --auth password.
    """
    from fari.surfaces.web.serve import At, serve

    serve(context.obj, At(host, port, auth, public_name, not no_open))


users = typer.Typer(invoke_without_command=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})
keys = typer.Typer(invoke_without_command=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})
app.add_typer(users, name="users")
app.add_typer(keys, name="keys")


@users.callback()
def list_users(context: typer.Context, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Say who may come into the dashboard, let someone in, or no more."""
    from fari.surfaces import letting_in

    if context.invoked_subcommand is None:
        letting_in.list_users(context.obj, json)


@users.command("add")
def add_user(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which someone logs in.")],
    role: Annotated[
        str, typer.Option(metavar="viewer|editor|owner", help="A viewer reads; an editor imports, annotates and sets targets; an owner manages keys.")
    ] = "viewer",
) -> None:
    """Let someone in, or give them a new password and role.

    The password is asked for, or taken from FARI_PASSWORD.
    """
    from fari.surfaces import letting_in

    letting_in.add_user(context.obj, name, role)


@users.command("remove")
def remove_user(context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="By which someone logs in.")]) -> None:
    """Let someone in no more, from this moment on."""
    from fari.surfaces import letting_in

    letting_in.remove_user(context.obj, name)


@keys.callback()
def list_keys(context: typer.Context, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the API keys by which programs read figures, make one, or revoke one."""
    from fari.surfaces import letting_in

    if context.invoked_subcommand is None:
        letting_in.list_keys(context.obj, json)


@keys.command("add")
def add_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    scope: Annotated[str, typer.Option(metavar="read", help="What it may do.")] = "read",
    metrics: Annotated[list[str] | None, typer.Option("--metric", metavar="NAME", help="Read only this metric; may be repeated.")] = None,
) -> None:
    """Make an API key. It is printed once."""
    from fari.surfaces import letting_in

    letting_in.add_key(context.obj, name, scope, metrics or ())


@keys.command("revoke")
def revoke_key(context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="What it was for.")]) -> None:
    """Have a key open nothing, from this moment on."""
    from fari.surfaces import letting_in

    letting_in.revoke_key(context.obj, name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name); the exit status: 0 done, 1 refused or failed, 2 wrong usage."""
    terminal.utf8()
    try:
        status = app(args=None if arguments is None else list(arguments), prog_name="fari", standalone_mode=False)
        return status if isinstance(status, int) else DONE
    except terminal.ReaderLeft:
        terminal.abandon()
        return DONE
    except (KeyboardInterrupt, EOFError):
        terminal.complain("interrupted")
        return INTERRUPTED
    except Exception as error:  # a person is owed a sentence, never a traceback
        if os.environ.get("FARI_DEBUG"):
            traceback.print_exc()
        return _refused(error)


def _refused(error: Exception) -> int:
    """Say in one line what went wrong; the exit status for it."""
    if isinstance(error, FariError):
        terminal.complain(error)
        return WRONG_USAGE if isinstance(error, UsageError) else FAILED
    parsing = getattr(error, "format_message", None)
    if parsing is not None:
        context = getattr(error, "ctx", None)
        terminal.complain(f"{parsing().rstrip('.')} (see `{context.command_path if context else 'fari'} --help`)")
        return WRONG_USAGE
    if isinstance(error, typer.Abort):
        terminal.complain("interrupted")
        return INTERRUPTED
    if isinstance(error, OSError) and error.strerror:
        terminal.complain(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        return FAILED
    terminal.complain(f"failed unexpectedly: {type(error).__name__}: {error} (FARI_DEBUG=1 shows where)")
    return FAILED
