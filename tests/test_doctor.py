"""What is wrong with a project is found, named by its rows, and given a way out; a sound one is left in peace."""

import dataclasses
import json
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.against_oracle import imported
from tests.projects import bring, company, project, write
from tests.random_company import random_company

from fari.company import parse as company_of
from fari.engine import doctor
from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.doctor import Examination, Finding, examine
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.sample import TODAY
from fari.sample import asker as sample
from fari.sources.importing import import_files

DAY = date(2025, 4, 1)


def findings(examination: Examination, topic: str) -> list[Finding]:
    """What was found about a topic."""
    return [finding for finding in examination.findings if finding.topic == topic]


def found(folder: Path, topic: str, **tables: str) -> list[Finding]:
    """What is found about a topic in a project of these tables."""
    return findings(examine(project(folder, tables, today=DAY), DAY), topic)


# What is there -----------------------------------------------------------------------------------------------------------------


def test_nothing_imported(tmp_path: Path) -> None:
    examination = examine(Asker(Ledger(tmp_path, company())), DAY)
    assert [(f.severity, f.what) for f in examination.findings] == [("error", "nothing is imported yet")]
    assert (examination.connected, examination.horizon, examination.worst) == ((), None, "error")
    assert "mrr" in examination.missing["subscriptions"]


def test_sources_tables_and_what_they_cover(tmp_path: Path) -> None:
    asker = project(tmp_path, {"spend": "day,channel,amount,currency\n2025-01-03,Email,1,EUR\n2025-03-30,Email,2,EUR"}, today=DAY)
    bring(asker.ledger, write(tmp_path, {"searches": "month,brand,ours,volume\n2025-03,acme,true,5"}), today=date(2025, 4, 2), source="trends")
    examination = examine(asker, DAY)
    assert [(c.source, c.table, c.rows, c.since, c.until, c.imported) for c in examination.connected] == [
        ("contract", "spend", 2, date(2025, 1, 3), date(2025, 3, 30), date(2025, 4, 1)),
        ("trends", "searches", 1, date(2025, 3, 1), date(2025, 3, 1), date(2025, 4, 2)),
    ]
    assert [(c.table, c.since, c.until, c.gaps) for c in examination.covered] == [
        ("spend", date(2025, 1, 3), date(2025, 3, 31), ()), ("searches", date(2025, 3, 1), date(2025, 3, 31), ()),
    ]  # fmt: skip
    json.dumps(dataclasses.asdict(examination), default=str)


def test_missing_tables_with_the_metrics_they_cost_and_the_way_out() -> None:
    examination = examine(sample(), TODAY)
    assert examination.missing == {}
    assert [f.where for f in findings(examination, "missing")] == ["accounts", "targets"]


def test_a_missing_table_says_which_metrics_are_undefined(tmp_path: Path) -> None:
    said = {f.where: f for f in found(tmp_path, "missing", deals="deal_id,created_at,status,closed_at\nd,2025-03-01,won,2025-03-02")}
    assert said["spend"].what.startswith("no source covers `spend`: 13 metrics undefined (spend, acquisition_spend, media_spend, cac, ")
    assert said["spend"].mend.startswith("import a `spend` file (CSV, JSON Lines, Parquet or Excel) with the columns day*, until, channel, ")
    assert "Segment-shaped" in said["events"].mend
    assert said["subscriptions"].severity == "warning"
    assert "new_customers" not in said["subscriptions"].what.replace("(", " ").replace(",", " ").split()  # deals make the customers
    assert said["feedback"].severity == "note"


def test_gaps_of_what_is_covered_and_flows_that_dried_up(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, company())
    for n, (since, until) in enumerate(((date(2025, 1, 1), date(2025, 2, 1)), (date(2025, 3, 1), date(2025, 4, 1)))):
        (path,) = write(tmp_path / str(n), {"spend": f"day,channel,amount,currency\n{since},Email,1,EUR"})
        import_files(ledger, [path], How(DAY, datetime(2025, 4, 1, n, tzinfo=UTC)), covers=(since, until))
    (gap,) = findings(examine(Asker(ledger), DAY), "coverage")
    assert gap.what == "no source covers `spend` from 2025-02-01 to 2025-02-28"
    days = [f"page,2025-03-{day:02d}T10:00:00Z,a" for day in (1, 2, 3, 12, 18)]
    (quiet,) = found(tmp_path / "events", "coverage", events="type,timestamp,anonymousId\n" + "\n".join(days))
    assert (quiet.severity, quiet.what) == ("note", "`events` has no row from 2025-03-04 to 2025-03-11")


def test_what_is_behind_the_newest_data_and_behind_today(tmp_path: Path) -> None:
    tables = {
        "events": "type,timestamp,anonymousId\npage,2025-03-20T10:00:00Z,a",
        "spend": "day,channel,amount,currency\n2025-03-30,Email,1,EUR",
    }
    asker = project(tmp_path, tables, today=DAY)
    assert [f.what for f in findings(examine(asker, DAY), "stale")] == ["`events` of segment ends on 2025-03-20, 10 days before the newest data"]
    stale = findings(examine(asker, date(2025, 6, 1)), "stale")
    assert (stale[0].severity, stale[0].what) == ("warning", "the newest data are of 2025-03-30, 63 days ago")


# What does not hold ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_random_companies_have_many_faults_but_no_failing_identity(seed: int, tmp_path: Path) -> None:
    drawn, tables = random_company(seed, 8)
    examination = examine(imported(drawn, tables, tmp_path), drawn.today)
    assert examination.failing == ()
    assert any(f.severity == "ok" and "identities hold" in f.what for f in examination.findings)
    assert examination.worst == "warning"
    assert json.dumps(dataclasses.asdict(examination), default=str)


def test_a_failing_identity_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(Asker):
        def ask(self, question: Question) -> list[Answer]:
            return [dataclasses.replace(a, value=1) if a.metric == "churned_mrr" else a for a in super().ask(question)]

    examination = examine(Wrong(sample().ledger), TODAY)
    first = examination.findings[0]
    assert (first.severity, first.topic, examination.worst) == ("error", "identities", "error")
    assert "churned_mrr" in first.what
    assert len(examination.failing) == sum(f.severity == "error" for f in examination.findings)


def test_overlapping_stretches_of_a_subscription(tmp_path: Path) -> None:
    rows = """
    subscription_id,account_id,starts_on,ends_on,amount,currency,interval
    s,a,2025-01-01,2025-03-10,10,EUR,month
    s,a,2025-03-01,,20,EUR,month
    t,a,2025-01-01,2025-02-01,10,EUR,month
    t,a,2025-02-01,,20,EUR,month
    """
    (overlap,) = found(tmp_path, "subscriptions", subscriptions=rows)
    assert (overlap.severity, overlap.rows) == ("warning", 1)
    assert overlap.items == (
        {"subscription": "s", "origins": ["subscriptions.csv:2", "subscriptions.csv:3"], "from": "2025-03-01", "says": "the later start wins"},
    )


def test_currencies_without_a_rate(tmp_path: Path) -> None:
    tables = {
        "spend": "day,channel,amount,currency\n2025-03-01,Email,1,CHF\n2025-03-20,Email,1,CHF\n2025-03-01,Email,1,USD\n2025-03-01,Email,1,EUR",
        "deals": "deal_id,created_at,status,amount,currency\nd,2025-03-01,open,5,USD\ne,2025-03-01,open,5,\nf,2025-03-01,open,,USD",
        "rates": "day,currency,rate\n2025-03-10,CHF,1.05",
    }
    said = [(f.where, f.rows, f.what, f.mend) for f in found(tmp_path, "currencies", **tables)]
    left_out = "left out: no exchange rate on or before the day"
    assert said == [
        (
            "spend",
            1,
            f"1 row of `spend` in CHF {left_out} (the first is of 2025-03-10)",
            "import `rates` (day, currency, rate) with CHF from 2025-03-01 on",
        ),
        ("spend", 1, f"1 row of `spend` in USD {left_out}", "import `rates` (day, currency, rate) with USD from 2025-03-01 on"),
        ("deals", 1, f"1 row of `deals` in USD {left_out}", "import `rates` (day, currency, rate) with USD from 2025-03-01 on"),
    ]


def test_closed_deals_without_a_closing_day(tmp_path: Path) -> None:
    rows = "deal_id,created_at,status,closed_at\nd,2025-03-01,won,\ne,2025-03-01,lost,2025-03-02\nf,2025-03-01,open,"
    (deal,) = found(tmp_path, "deals", deals=rows)
    assert deal.items == ({"deal": "d", "status": "won", "origin": "deals.csv:2"},)


def test_one_file_imported_as_two_sources(tmp_path: Path) -> None:
    tables = {"spend": "day,kind,amount,currency\n2025-03-01,salary,3000,EUR\n2025-03-01,salary,3000,EUR"}
    asker = project(tmp_path, tables, today=DAY)
    assert findings(examine(asker, DAY), "duplicates") == []  # two equal salaries are two costs
    bring(asker.ledger, write(tmp_path / "again", tables), today=DAY, source="payroll")
    (twice,) = findings(examine(asker, DAY), "duplicates")
    assert (twice.severity, twice.what) == ("warning", "1 row of `spend` came from several sources (contract, payroll) and may count twice")


def test_rows_that_imports_refused(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, company())
    bring(ledger, write(tmp_path / "files", {"spend": "day,channel,amount,currency\n2025-03-01,Email,1,EUR\n2025-03-02,Email,much,EUR"}), today=DAY)
    (refused,) = findings(examine(Asker(ledger), DAY), "imports")
    assert (refused.severity, refused.rows, refused.what) == ("warning", 1, "1 of 2 rows of spend.csv were refused")
    assert refused.where == ledger.visible()[0].import_id


# What is not understood -------------------------------------------------------------------------------------------------------------

VISITS = """
type,timestamp,anonymousId,context.page.url,context.campaign.source,context.campaign.medium,context.userAgent
page,2025-03-01T10:00:00Z,a,https://acme.test/,zorb,"the ""blue"" one",
page,2025-03-02T10:00:00Z,b,https://acme.test/,zorb,"the ""blue"" one",
page,2025-03-03T10:00:00Z,c,https://acme.test/,quux,frob,
page,2025-03-04T10:00:00Z,d,https://acme.test/,,,
page,2025-03-05T10:00:00Z,e,https://acme.test/,,,Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
"""


def test_unassigned_visits_with_rules_to_paste(tmp_path: Path) -> None:
    (unmapped,) = found(tmp_path, "unmapped", events=VISITS)
    assert (unmapped.severity, unmapped.rows) == ("warning", 3)
    assert [(i["utm_source"], i["utm_medium"], i["visits"]) for i in unmapped.items] == [("zorb", 'the "blue" one', 2), ("quux", "frob", 1)]
    pasted = tomllib.loads("".join(str(item["rule"]) for item in unmapped.items))
    own = company_of({"company": {"name": "Acme"}, **pasted}, tmp_path / "fari.toml")
    assert own.channels == (
        ("Referral", (("source", "zorb"), ("medium", 'the "blue" one'))),
        ("Referral", (("source", "quux"), ("medium", "frob"))),
    )
    mended = project(tmp_path / "mended", {"events": VISITS}, own, today=DAY)
    assert findings(examine(mended, DAY), "unmapped") == []


def test_channels_of_files_that_no_visit_can_have(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        "unmapped",
        spend="day,channel,amount,currency\n2025-03-01,paid serach,1,EUR\n2025-03-01,Email,1,EUR\n2025-03-01,Trade fairs,1,EUR",
        people="person_id,channel\np,e-mail",
    )
    assert [(f.severity, f.where, f.what.partition(" is no channel")[0], f.what.partition("; ")[2]) for f in said] == [
        ("warning", "spend", "channel 'paid serach' of 1 row of `spend`", "did you mean 'Paid Search'?"),
        ("warning", "people", "channel 'e-mail' of 1 row of `people`", "did you mean 'Email'?"),
        ("note", "spend", "channel 'Trade fairs' of 1 row of `spend`", ""),
    ]


def test_bots_are_counted_with_their_reasons_and_our_own_people(tmp_path: Path) -> None:
    (bots,) = found(tmp_path, "bots", events=VISITS)
    assert (bots.severity, bots.what, bots.items) == ("ok", "1 bot with 1 visit left out", ({"pattern": "Googlebot\\/", "pageviews": 1},))
    assert [f.what for f in findings(examine(sample(), TODAY), "internal")] == ["1 visitor of our own with 1 visit left out"]


def test_links_by_rule_and_what_is_not_linked(tmp_path: Path) -> None:
    tables = {
        "people": """
        person_id,email,account_id
        u,u@north.test,north
        crm,U@north.test,
        w,w@west.test,west
        """,
        "events": """
        type,timestamp,anonymousId,userId
        page,2025-03-01T10:00:00Z,dev,
        identify,2025-03-01T10:01:00Z,dev,u
        page,2025-03-02T10:00:00Z,stranger,
        """,
        "stages": "person_id,stage,at\ncrm,lead,2025-03-05\nw,lead,2025-03-06",
        "subscriptions": """
        subscription_id,account_id,starts_on,amount,currency,interval
        s1,north,2025-03-10,10,EUR,month
        s2,west,2025-03-10,10,EUR,month
        s3,south,2025-03-10,10,EUR,month
        s4,older,2025-02-10,10,EUR,month
        """,
    }
    examination = examine(project(tmp_path, tables, today=DAY), DAY)
    links = {(one.what, one.to): one for one in examination.links}
    assert {key: (one.linked, one.total, dict(one.by_rule), one.unlinked) for key, one in links.items()} == {
        ("customers", "people"): (2, 4, {"account_id": 2}, ("older", "south")),
        ("customers", "visits"): (1, 3, {}, ("south", "west")),
        ("leads", "visits"): (1, 2, {"email": 1}, ("w",)),
        ("visitors", "known people"): (1, 2, {"email": 1}, ("stranger",)),
    }
    said = {f.what: f for f in findings(examination, "links")}
    assert "2 of 4 customers linked to people (2 by its people name the account)" in said
    assert said["1 of 3 customers since 2025-03-01 linked to visits"].severity == "warning"
    assert said["1 of 3 customers since 2025-03-01 linked to visits"].items == ({"customer": "south"}, {"customer": "west"})


def test_a_sound_project_is_left_in_peace() -> None:
    examination = examine(sample(), TODAY)
    # Its site was last heard of in March; there is nothing else to complain of.
    assert [(f.severity, f.topic, f.where) for f in examination.findings if f.severity in ("error", "warning")] == [
        ("warning", "stale", "segment events")
    ]
    assert findings(examination, "identities")[0].severity == "ok"
    ranks = [doctor.SEVERITIES.index(f.severity) for f in examination.findings]
    assert ranks == sorted(ranks)
