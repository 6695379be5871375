"""Other people's data with known answers, through Fari's import and its questions. `docs/golden.md` has the same as commands.

Each folder of `golden` says whose its files are, and under which licence. What a peer counts otherwise is said where it is checked.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.projects import bring, company, project, split, values

from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import Period, add_months
from fari.insight.lives import lives
from fari.ledger.acts import Report
from fari.ledger.store import Ledger
from fari.metrics import METRICS
from fari.metrics.kinds import Formula

GOLDEN = Path(__file__).parent / "golden"
Row = dict[str, str]


def rows(name: str | Path) -> list[Row]:
    """The rows of a golden CSV file."""
    with (GOLDEN / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def text(header: str, lines: Iterable[Sequence[object]]) -> str:
    """A contract file. None of the golden values needs quotes."""
    return "\n".join([header, *(",".join("" if cell is None else str(cell) for cell in line) for line in lines)])


def rounded(value: Decimal | int | None, places: str, how: str = ROUND_HALF_UP) -> Decimal | None:
    """A value as the peer prints it."""
    return None if value is None else Decimal(value).quantize(Decimal(places), how)


def months(first: date, count: int) -> list[Period]:
    """So many months, one after the other."""
    return [Period(add_months(first, n), add_months(first, n + 1), "month") for n in range(count)]


def compute(name: str, *inputs: object) -> Decimal:
    """A formula of numbers."""
    formula = METRICS[name]
    assert isinstance(formula, Formula)
    return Decimal(formula.function(*(Decimal(str(value)) for value in inputs)))


# dbt Labs' MRR playbook: 121 stretches of 55 customers ------------------------------------------------------------------


PLAYBOOK = Path(__file__).parent.parent / "docs" / "golden" / "mrr-playbook"


@pytest.fixture(scope="module")
def playbook(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """The peer's stretches, as the golden suite publishes them."""
    ledger = Ledger(tmp_path_factory.mktemp("playbook"), company(currency="USD"))
    (report,) = bring(ledger, [PLAYBOOK / "subscriptions.csv"])
    assert (report.read, report.rejected, report.problems) == (121, 0, [])
    return Asker(ledger)


def test_mrr_playbook_every_month(playbook: Asker) -> None:
    expected = {row["date_month"]: row for row in rows(PLAYBOOK / "expected_monthly.csv")}
    nothing = dict.fromkeys(next(iter(expected.values())), "0") | {"arpa": "", "customer_churn_rate": ""}
    for period in months(date(2017, 9, 1), 30):
        row = expected.get(period.since.isoformat(), nothing)
        names = "mrr arr customers new_mrr expansion_mrr reactivation_mrr new_customers churned_customers reactivated_customers"
        columns = "mrr arr active_customers new_mrr expansion reactivation n_new n_churn n_react"
        assert values(playbook, names, period) == [int(row[name]) for name in columns.split()], period
        assert values(playbook, "contraction_mrr churned_mrr", period) == [-int(row["contraction"]), -int(row["churn"])], period
        arpa, churn = values(playbook, "arpa customer_churn_rate", period)
        assert rounded(arpa, "0.0001") == (Decimal(row["arpa"]) if row["arpa"] else None)
        assert rounded(churn, "0.000001") == (Decimal(row["customer_churn_rate"]) if row["customer_churn_rate"] else None)


def test_mrr_playbook_survives_as_counted_stretch_by_stretch(playbook: Asker) -> None:
    """Its stretches are of whole months: a customer is lost at the first one that the next does not follow on."""
    own: dict[str, list[tuple[date, date]]] = {}
    for row in rows(PLAYBOOK / "subscriptions.csv"):
        own.setdefault(row["account_id"], []).append((date.fromisoformat(row["starts_on"]), date.fromisoformat(row["ends_on"])))
    lost: dict[int, int] = {}
    for stretches in own.values():
        (first, end), *later = sorted(stretches)
        for begins, ends in later:
            end = ends if begins == end else end
        age = (end.year - first.year) * 12 + end.month - first.month
        lost[age] = lost.get(age, 0) + 1
    period = Period(date(2017, 9, 1), date(2020, 3, 1))
    (seen,) = lives(playbook, Question((), (period,)))[period].values()
    assert (dict(seen.lost), dict(seen.open)) == (lost, {})
    assert seen.customers == 55


def test_mrr_playbook_in_total(playbook: Asker) -> None:
    whole = Period(date(2017, 9, 1), date(2020, 3, 1))
    movements = "new_mrr expansion_mrr contraction_mrr churned_mrr reactivation_mrr"
    assert values(playbook, movements, whole) == [2295, 660, 555, 2550, 150]
    assert values(playbook, "new_customers churned_customers reactivated_customers", whole) == [55, 58, 3]


@pytest.mark.parametrize("row", rows(PLAYBOOK / "expected_rates.csv"), ids=lambda row: row["month"])
def test_mrr_playbook_rates(playbook: Asker, row: Row) -> None:
    """Two rates are others': they take reactivation off net churn, or leave it out of the quick ratio."""
    names = "opening_mrr customer_churn_rate gross_revenue_churn_rate net_revenue_churn_rate quick_ratio arpa"
    found = dict(zip(names.split(), values(playbook, names, row["month"]), strict=True))
    movements = "new_mrr expansion_mrr reactivation_mrr contraction_mrr churned_mrr"
    new, more, back, less, lost = (Decimal(value or 0) for value in values(playbook, movements, row["month"]))
    found["net_with_reactivation"] = (lost + less - more - back) / Decimal(found["opening_mrr"] or 0)
    found["quick_without_reactivation"] = (new + more) / (lost + less)
    assert {name: rounded(value, "0.000001") for name, value in found.items()} == {name: Decimal(row[name]) for name in found}


def test_mrr_playbook_has_the_customers_that_the_peers_own_calendar_drops(playbook: Asker) -> None:
    # The peer's months begin in 2018: 52 new customers, where customers 2, 3 and 4 came and went in 2017.
    assert values(playbook, "new_customers new_mrr churned_customers", "2017") == [3, 100, 3]
    assert values(playbook, "mrr customers", "2019-12") == [1255, 28]


# Kill Bill: what a price is worth by the month --------------------------------------------------------------------------

PERIODS = {"MONTHLY": "month", "ANNUAL": "year", "NO_BILLING_PERIOD": "NO_BILLING_PERIOD"}


def test_killbill_normalisation(tmp_path: Path) -> None:
    cases = rows("killbill/mrr_normalisation_cases.csv")
    lines = ((f"s{n}", f"a{n}", "2025-01-01", case["price"], "USD", PERIODS[case["billing_period"]], f"plan {n}") for n, case in enumerate(cases))
    path = tmp_path / "subscriptions.csv"
    path.write_text(text("subscription_id,account_id,starts_on,amount,currency,interval,plan", lines), encoding="utf-8")
    ledger = Ledger(tmp_path, company(currency="USD"))
    (report,) = bring(ledger, [path])
    # One-off charges are no subscription: the peer makes them 0, here each is a row that says so.
    assert (report.read, report.count("new"), report.rejected) == (63, 59, 4)
    assert {(p.column, p.value) for p in report.problems} == {("interval", "NO_BILLING_PERIOD")}
    worth = split(Asker(ledger), "mrr", "2025-01", "plan")
    expected = {f"plan {n}": Decimal(case["expected_mrr"]) for n, case in enumerate(cases) if case["billing_period"] != "NO_BILLING_PERIOD"}
    assert {plan: rounded(value, "0.0001") for plan, value in worth.items()} == expected


# ChartMogul: a vendor's own recorded figures, in cents, of which it cuts off fractions ----------------------------------


def recorded() -> dict[str, Any]:
    """Answers of the vendor's API, as its client library recorded them."""
    return dict(json.loads((GOLDEN / "chartmogul" / "recorded_responses.json").read_text(encoding="utf-8")))


def test_chartmogul_arithmetic() -> None:
    entries = recorded()["AllKeyMetric"]["entries"]
    assert [entry["date"] for entry in entries] == ["2022-04-30", "2022-05-31"]
    for entry in entries:
        churn = Decimal(str(entry["customer-churn-rate"])) / 100
        assert rounded(compute("arpa", entry["mrr"], entry["customers"]), "1", ROUND_DOWN) == entry["arpa"]
        assert compute("arr", entry["mrr"]) == entry["arr"]
        assert rounded(compute("clv", entry["arpa"], compute("customer_lifetime_months", churn, 1), 1), "1", ROUND_DOWN) == entry["ltv"]


def test_chartmogul_level_from_files(tmp_path: Path) -> None:
    entry = recorded()["AllKeyMetric"]["entries"][0]
    each = Decimal(entry["arpa"]) / 100
    last = Decimal(entry["mrr"]) / 100 - each * (entry["customers"] - 1)
    prices = [each] * (entry["customers"] - 1) + [last]
    lines = ((f"s{n}", f"a{n}", "2022-04-01", price, "USD", "month") for n, price in enumerate(prices))
    asker = project(
        tmp_path, {"subscriptions": text("subscription_id,account_id,starts_on,amount,currency,interval", lines)}, company(currency="USD")
    )
    mrr, customers, arpa, arr = values(asker, "mrr customers arpa arr", "2022-04")
    assert (mrr, customers, arr) == (Decimal("3838599.69"), 585, Decimal("46063196.28"))
    assert rounded(arpa, "0.01", ROUND_DOWN) == Decimal("6561.70")


def test_chartmogul_movements_do_not_close_its_mrr_where_ours_must() -> None:
    april, may = recorded()["MRR"]["entries"]
    moved = sum(value for name, value in may.items() if name.startswith("mrr-"))
    assert may["mrr"] - april["mrr"] - moved == -207_734  # left unexplained by the vendor: revaluation of currencies


# Fivetran's Stripe tables -----------------------------------------------------------------------------------------------


def stripe_objects() -> dict[str, Any]:
    """The tables as the objects they came from: the subscriptions' items, each with its plan where the plans have it."""
    plans = {row["id"]: row for row in rows("fivetran-stripe/plan_data.csv")}
    subscriptions: dict[str, dict[str, Any]] = {}
    for row in rows("fivetran-stripe/subscription_item_data.csv"):
        created = int(datetime.fromisoformat(row["created"]).replace(tzinfo=UTC).timestamp())
        plan = plans.get(row["plan_id"])
        terms: object = row["plan_id"]
        if plan:
            kept = {name: plan[name] for name in ("id", "amount", "billing_scheme", "currency", "interval", "usage_type")}
            terms = {**kept, "object": "plan", "interval_count": int(plan["interval_count"])}
        made = subscriptions.setdefault(
            row["subscription_id"],
            {"id": f"sub_{row['subscription_id']}", "object": "subscription", "customer": f"cus_{row['subscription_id']}", "status": "active",
             "start_date": created, "items": {"object": "list", "data": []}},
        )  # fmt: skip
        made["items"]["data"].append({"id": f"si_{row['id']}", "object": "subscription_item", "quantity": int(row["quantity"]), "plan": terms})
    return {"object": "list", "data": list(subscriptions.values())}


def test_fivetran_stripe_items_and_the_plan_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "subscriptions.json"
    path.write_text(json.dumps(stripe_objects()), encoding="utf-8")
    ledger = Ledger(tmp_path, company(currency="USD"))
    (report,) = bring(ledger, [path])
    assert report.source == "stripe_objects"
    expected = rows("fivetran-stripe/expected_item_mrr_cents.csv")
    priced = {row["plan_id"]: Decimal(row["mrr_cents"]) / 100 for row in expected if row["mrr_cents"]}
    assert (len(expected), len(priced), report.tables["subscriptions"]["new"]) == (14, 13, 13)
    (problem,) = report.problems
    assert problem.refused
    assert "146gcb" in str(problem)
    asker = Asker(ledger)
    assert values(asker, "mrr customers", "2024-07") == [Decimal("11838.20"), 13]
    assert split(asker, "mrr", "2024-07", "plan") == priced


# MetricFlow: 16 visits, 8 buys ------------------------------------------------------------------------------------------


def test_metricflow_visits_and_buys(tmp_path: Path) -> None:
    """Its days have no hours, so the visits of a user on a day are put an hour apart; the referrer is the campaign, a buy a sign-up."""
    nth: Counter[tuple[str, str]] = Counter()
    lines: list[Sequence[object]] = []
    for row in rows("metricflow/fct_visits.csv"):
        hour = nth[row["user_id"], row["ds"]]
        nth[row["user_id"], row["ds"]] += 1
        lines.append(("page", "", row["session_id"], row["user_id"], f"{row['ds']}T{8 + hour:02d}:00:00Z", row["referrer_id"]))
    for n, row in enumerate(rows("metricflow/fct_buys.csv")):
        lines.append(("track", "Bought", f"buy {n}", row["user_id"], f"{row['ds']}T20:00:00Z", ""))
    tables = {"events": text("type,event,messageId,userId,timestamp,context.campaign.name", lines)}
    asker = project(tmp_path, tables, company(funnel={"signup_events": ["Bought"]}))
    assert values(asker, "visits visitors", "2020-01") == [16, 11]
    days = [date(2020, 1, day) for day in range(1, 13)]
    visits = Counter(row["ds"] for row in rows("metricflow/fct_visits.csv"))
    assert [values(asker, "visits", day.isoformat())[0] for day in days] == [visits[day.isoformat()] for day in days]
    assert split(asker, "visits", "2020-01", "campaign") == Counter(row["referrer_id"] for row in rows("metricflow/fct_visits.csv"))
    # No one buys twice on one day, so the days add up to its 8; u0004114 bought twice, so seven people did in the month.
    assert sum(values(asker, "signups", day.isoformat())[0] or 0 for day in days) == 8
    assert values(asker, "signups", "2020-01") == [7]


# Snowplow's fractribution: page views, channels, conversions ------------------------------------------------------------

SNOWPLOW_RULES: list[dict[str, str]] = [
    {"channel": "Direct", "source": "(direct)", "medium": "(none)"},
    {"channel": "Video", "source": "youtube.com"},
    {"channel": "Organic_Search", "medium": "organic"},
    {"channel": "Paid_Search_Other", "medium": "cpc"},
    {"channel": "Referral", "medium": "referral"},
    {"channel": "Unmatched_Channel", "medium": "*"},
]
"""The peer's channels as rules of the company, to go into its `fari.toml`."""
TAGS = ("mkt_source", "mkt_medium", "mkt_campaign")
JUNE, JULY, AUGUST = months(date(2022, 6, 1), 3)
SUMMER = Period(date(2022, 6, 1), date(2022, 9, 1))


def snowplow(folder: Path, rules: Sequence[Mapping[str, str]] = ()) -> Asker:
    """The peer's events as messages, its conversions as won deals, its spend; a visitor is a person by the peer's own id for it."""
    events = rows("snowplow-fractribution/snowplow_fractribution_events.csv")
    lines = (
        ("page" if row["event_name"] == "page_view" else "track", row["event_name"], row["event_id"], row["domain_userid"],
         f"f{row['domain_userid']}", row["derived_tstamp"], f"https://{row['page_urlhost']}/", *(row[tag] for tag in TAGS))
        for row in events
    )  # fmt: skip
    context = "context.page.url,context.campaign.source,context.campaign.medium,context.campaign.name"
    sold = ((row["event_id"], f"f{row['domain_userid']}", row["tr_total"], "USD", row["derived_tstamp"], row["derived_tstamp"], "won")
            for row in events if row["tr_total"])  # fmt: skip
    spent = rows("snowplow-fractribution/snowplow_fractribution_channel_spend_expected.csv")
    tables = {
        "events": text(f"type,event,messageId,anonymousId,userId,timestamp,{context}", lines),
        "deals": text("deal_id,person_id,amount,currency,created_at,closed_at,status", sold),
        "spend": text("day,channel,kind,amount,currency", (("2022-06-03", row["channel"], "ads", row["spend"], "USD") for row in spent)),
    }
    return project(folder, tables, company(currency="USD", channels={"rule": list(rules)}))


@pytest.fixture(scope="module")
def fractribution(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """Snowplow's company under the peer's channel rules."""
    return snowplow(tmp_path_factory.mktemp("fractribution"), SNOWPLOW_RULES)


def test_snowplow_visitors_by_month_do_not_add_up(fractribution: Asker) -> None:
    assert [values(fractribution, "visitors visits pageviews", month) for month in (JUNE, JULY, AUGUST)] == [[32, 47, 48], [37, 47, 48], [1, 1, 1]]
    assert values(fractribution, "visitors visits pageviews", SUMMER) == [67, 95, 97]


SAME_VISIT = ((JUNE, "Direct"), (JULY, "Paid_Search_Other"))
"""Two of the peer's 97 visits begin 39 and 10 seconds after a page view of the same visitor: here those are one visit, of the first's channel."""


def test_snowplow_visits_by_the_peers_channels(fractribution: Asker) -> None:
    expected: Counter[str] = Counter()
    for row in rows("snowplow-fractribution/snowplow_fractribution_channel_counts_expected.csv"):
        expected[row["channel"]] += int(row["number_of_sessions"])
    assert expected.total() == 97
    assert split(fractribution, "visits", SUMMER, "channel") == expected - Counter(channel for _, channel in SAME_VISIT)
    monthly = rows("snowplow-fractribution/expected_visitors_by_month_channel.csv")
    for month in (JUNE, JULY, AUGUST):
        told = Counter({row["channel"]: int(row["visits"]) for row in monthly if row["m"] == month.since.isoformat()})
        assert split(fractribution, "visits", month, "channel") == told - Counter(channel for joined, channel in SAME_VISIT if joined == month)


def test_snowplow_visitors_by_channel_are_each_in_one(fractribution: Asker) -> None:
    """The peer counts a visitor in every channel it came by (34 in June); here it is in one, so that the parts add up to 32."""
    peer: Counter[str] = Counter()
    for row in rows("snowplow-fractribution/expected_visitors_by_month_channel.csv"):
        peer[row["m"]] += int(row["unique_visitors"])
    assert peer[JUNE.since.isoformat()] == 34
    channel = {("(direct)", "(none)"): "Direct", ("youtube.com", "referral"): "Video"}
    medium = {"organic": "Organic_Search", "cpc": "Paid_Search_Other", "referral": "Referral"}
    for month, visitors in ((JUNE, 32), (JULY, 37), (AUGUST, 1), (SUMMER, 67)):
        placed: dict[str, str] = {}
        for row in sorted(rows("snowplow-fractribution/snowplow_fractribution_events.csv"), key=lambda row: row["derived_tstamp"]):
            if row["event_name"] == "page_view" and month.since.isoformat() <= row["derived_tstamp"] < month.until.isoformat():
                own = channel.get((row["mkt_source"], row["mkt_medium"])) or medium.get(row["mkt_medium"], "Unmatched_Channel")
                if placed.get(row["domain_userid"], "Direct") == "Direct":
                    placed[row["domain_userid"]] = own
        assert split(fractribution, "visitors", month, "channel") == Counter(placed.values())
        assert sum(Counter(placed.values()).values()) == visitors


def test_snowplow_conversions_and_spend(fractribution: Asker) -> None:
    assert values(fractribution, "new_customers pipeline_created spend cac", SUMMER) == [6, Decimal("500.92"), 60_000, 10_000]
    # The peer shares the six over all channels of a path; here an account is won by the first, and each channel's own cost stays its own.
    assert split(fractribution, "spend", SUMMER, "channel") == dict.fromkeys(
        ["Direct", "Organic_Search", "Paid_Search_Other", "Referral", "Unmatched_Channel", "Video"], 10_000
    )
    assert sum(value or 0 for value in split(fractribution, "new_customers", SUMMER, "channel").values()) == 6


def test_snowplow_under_our_own_rules(tmp_path: Path) -> None:
    # The same visits; ours names the channels as GA4 does, and knows YouTube as video, Quora as social and an affiliate as one.
    assert split(snowplow(tmp_path), "visits", SUMMER, "channel") == {
        "Direct": 45, "Organic Search": 39, "Paid Search": 2, "Referral": 4, "Organic Social": 1, "Organic Video": 3, "Affiliates": 1,
    }  # fmt: skip


# Fivetran's ad platforms, Google Trends ---------------------------------------------------------------------------------


def imported(folder: Path, name: str, *files: str, **told: Any) -> tuple[Asker, list[Report]]:
    """Golden files as they are, imported together."""
    ledger = Ledger(folder, company(**told))
    reports = bring(ledger, [GOLDEN / name / file for file in files])
    assert not any(report.rejected for report in reports)
    return Asker(ledger), reports


def test_fivetran_ad_spend_of_three_platforms(tmp_path: Path) -> None:
    files = ("google_ads_campaign_stats_data.csv", "facebook_ads_basic_ad_data.csv", "linkedin_ad_analytics_by_campaign_data.csv")
    asker, reports = imported(tmp_path, "fivetran-ad-reporting", *files, currency="USD")
    assert [report.source for report in reports] == ["google_ads", "meta_ads", "linkedin_ads"]
    for report, total in zip(reports, ("231.33", "643.63", "530.62"), strict=True):
        assert report.totals["spend.amount USD"] == {"file": Decimal(total), "stored": Decimal(total), "rejected": 0}
    every = Period(date(2019, 1, 1), date(2023, 1, 1))
    assert values(asker, "spend acquisition_spend media_spend", every)[0] == Decimal("1405.58")
    assert values(asker, "media_spend", every) == [Decimal("1405.58")]
    assert split(asker, "spend", every, "channel") == {"Paid Search": Decimal("231.33"), "Paid Social": Decimal("1174.25")}


def test_google_trends_share_of_search(tmp_path: Path) -> None:
    ours = {"google_trends": {"ours": "Prima Assicurazioni"}}
    asker, _ = imported(tmp_path, "google-trends", "allianz_vs_prima_multiTimeline.csv", timezone="Europe/Rome", mapping=ours)
    published = rows("google-trends/allianz_prima_sos.csv")
    assert len(published) == 66
    for row in published:
        assert values(asker, "our_searches all_searches", row["month"]) == [int(row["prima"]), int(row["allianz"]) + int(row["prima"])]
        (share,) = values(asker, "share_of_search", row["month"])
        assert rounded(share, "0.000001") == Decimal(row["sos_prima"])
    whole = Period(date(2020, 1, 1), date(2025, 7, 1))
    found = [values(asker, "share_of_search", period)[0] for period in (whole, "2020", "2025")]
    assert [rounded(share, "0.000001") for share in found] == [Decimal("0.155443"), Decimal("0.083645"), Decimal("0.190141")]
