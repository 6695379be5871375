"""The sample company that the metrics' examples are asked of: a year of a firm small enough to be counted by hand.

West has paid 1,800 a year since June 2024. In March 2025 South, found in February by search, and North, won by an ad, become
customers at 100 a month. South leaves in April and returns in May, when North takes more seats; West renews for less in June.
"""

import atexit
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fari.company import parse
from fari.engine.answer import Question
from fari.engine.ask import Asker
from fari.engine.periods import parse as period_of
from fari.ledger.acts import How
from fari.ledger.store import Ledger
from fari.sources.importing import import_files

COMPANY = {"company": {"name": "Acme", "currency": "EUR", "timezone": "Europe/Rome", "hosts": ["acme.test"]}}
"""What its `fari.toml` says."""

TODAY = date(2025, 7, 1)
"""The day its files are imported."""

FILES = {
    # Ada comes by an ad and again on her own; Cleo by an ad; Dan by search; a stranger directly; a bot; the boss. In February Bea, by search.
    "events.csv": """
type,timestamp,anonymousId,userId,event,context.page.url,context.page.referrer,context.campaign.source,context.campaign.medium,context.userAgent,properties.plan
page,2025-02-18T10:00:00Z,bea-laptop,,,https://acme.test/blog/churn,https://www.google.com/,,,,
page,2025-03-03T09:00:00Z,ada-laptop,,,https://acme.test/,,google,cpc,,
page,2025-03-03T09:04:00Z,ada-laptop,,,https://acme.test/pricing,,,,,
track,2025-03-03T09:10:00Z,ada-laptop,ada,Signed Up,,,,,,trial
page,2025-03-05T14:00:00Z,ada-laptop,ada,,https://acme.test/docs/start,,,,,
page,2025-03-18T16:00:00Z,cleo-phone,cleo,,https://acme.test/pricing,,google,cpc,,
page,2025-03-24T08:00:00Z,dan-laptop,dan,,https://acme.test/blog/churn,https://www.google.com/,,,,
page,2025-03-24T08:20:00Z,dan-laptop,dan,,https://acme.test/blog/mrr,,,,,
page,2025-03-26T12:00:00Z,stranger,,,https://acme.test/,,,,,
page,2025-03-27T03:00:00Z,crawler,,,https://acme.test/pricing,,,,Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html),
page,2025-03-28T09:00:00Z,boss-laptop,boss,,https://acme.test/pricing,,,,,
identify,2025-02-18T10:05:00Z,bea-laptop,bea,,,,,,,
""",
    "people.csv": """
person_id,email,account_id,created_at,persona,country,internal
wes,wes@west.test,west,2024-05-20,CFO,DE,
bea,bea@south.test,south,2025-02-18,CMO,IT,
ada,ada@north.test,north,2025-03-03,CTO,IT,
cleo,cleo@east.test,,2025-03-18,CTO,FR,
dan,dan@east.test,,2025-03-24,CMO,FR,
boss,boss@acme.test,,2024-01-01,,IT,true
""",
    "stages.csv": """
person_id,stage,at,reason
wes,customer,2024-06-01,
bea,lead,2025-02-18,
bea,opportunity,2025-02-25,
ada,lead,2025-03-03,
bea,customer,2025-03-10,
ada,customer,2025-03-17,
cleo,sql,2025-03-20,
dan,lead,2025-03-24,
dan,rejected,2025-03-28,too small
""",
    "subscriptions.csv": """
subscription_id,account_id,starts_on,ends_on,amount,currency,interval,plan,status
sub-west,west,2024-06-01,2025-06-01,1800,EUR,year,Team,active
sub-west,west,2025-06-01,,1500,EUR,year,Team,active
sub-south,south,2025-03-10,2025-04-15,100,EUR,month,Basic,active
sub-south,south,2025-05-20,,100,EUR,month,Basic,active
sub-north,north,2025-03-03,2025-03-17,100,EUR,month,Basic,trialing
sub-north,north,2025-03-17,2025-05-10,100,EUR,month,Basic,active
sub-north,north,2025-05-10,,150,EUR,month,Basic,active
""",
    "feedback.csv": """
account_id,at,kind,value,said_by
south,2025-04-15,churn_reason,too expensive,customer
""",
    "spend.csv": """
day,until,channel,campaign,kind,purpose,amount,currency
2025-03-01,2025-04-01,Paid Search,Spring,ads,acquire,400,EUR
2025-03-27,,,,salary,acquire,500,EUR
2025-03-31,,,,tool,retain,100,EUR
""",
    "deals.csv": """
deal_id,person_id,amount,currency,probability,created_at,meeting_at,status
east,cleo,5000,EUR,0.4,2025-03-19,2025-03-25,open
east-two,dan,3000,EUR,0.1,2025-03-26,,open
""",
    "searches.csv": """
month,brand,ours,volume
2025-03,Acme,true,30
2025-03,Rival,false,90
""",
}
"""Its files, as a user would import them."""


def ask(metric: str, period: str, **where: str) -> Decimal | None:
    """A metric of the sample company in a period, in the segments that the filters name; None where it is undefined.

    >>> ask("cac", "2025-03"), ask("cac", "2025-04"), ask("leads", "2025-03", country="FR")
    (Decimal('450.000000'), None, Decimal('2'))
    """
    question = Question((metric,), (period_of(period),), where=tuple((dimension, (value,)) for dimension, value in where.items()))
    (answer,) = asker().ask(question)
    return None if answer.value is None else Decimal(answer.value)


def warm() -> None:
    """Ask the sample for every metric, whole and by channel, so that what is compiled for it is kept (fari.engine.kept)."""
    period = period_of("2025-03")
    for by in ((), ("channel",)):
        asker().ask(Question((), (period,), by))


@cache
def asker() -> Asker:
    """Who answers for the sample company: imported once in a process, into a folder that goes with it."""
    folder = TemporaryDirectory(prefix="fari-sample-")
    atexit.register(folder.cleanup)
    ledger = Ledger(Path(folder.name), parse(COMPANY, Path("fari.toml")))
    paths = [ledger.folder / name for name in FILES]
    for path in paths:
        path.write_text(FILES[path.name].lstrip(), encoding="utf-8")
    import_files(ledger, paths, How(TODAY, datetime(2025, 7, 1, tzinfo=UTC)))
    return Asker(ledger)
