"""Corners of the definitions that a second reader of them found, each small enough to be worked out by hand."""

from pathlib import Path

from tests.projects import ask, project

NO_RATE = "1 row left out: in a currency without an exchange rate on or before their day"


def test_what_was_viewed_after_becoming_a_lead_did_not_make_it_one(tmp_path: Path) -> None:
    """One visit: the blog at 10:00, a lead at 10:02, the docs at 10:05. By content the lead counts under the blog only."""
    events = """
    type,anonymousId,userId,timestamp,context.page.url
    page,x,p1,2025-03-03T10:00:00Z,https://acme.test/blog/a
    page,x,p1,2025-03-03T10:05:00Z,https://acme.test/docs/b
    """
    asker = project(tmp_path, {"events": events, "stages": "person_id,stage,at\np1,lead,2025-03-03T10:02:00Z"})
    assert [(dict(a.segment), a.value) for a in ask(asker, "leads", "2025-03", by="content")] == [({"content": "blog"}, 1)]
    assert {a.segment["content"]: a.value for a in ask(asker, "visitors", "2025-03", by="content")} == {"blog": 1, "docs": 1}


def test_a_subscription_without_an_exchange_rate_is_said_to_be_left_out(tmp_path: Path) -> None:
    """`a` pays in a currency that has no rate until March, and nothing else; `b` 50. March: 70 × 0.9 = 63 for a second contract of `a`."""
    subscriptions = """
    subscription_id,account_id,starts_on,ends_on,amount,currency,interval,status
    s1,a,2025-01-05,2025-03-10,100,USD,month,
    s2,b,2025-01-05,,50,EUR,month,
    s3,a,2025-03-05,,70,USD,month,
    s4,c,2025-01-05,,100,USD,month,trialing
    """
    asker = project(tmp_path, {"subscriptions": subscriptions, "rates": "day,currency,rate\n2025-02-20,USD,0.9"})
    told = {
        (a.metric, a.period.since.month): (a.value, a.notes)
        for a in ask(asker, "mrr customers new_customers new_mrr", "2025-01", "2025-02", "2025-03")
    }
    assert told["mrr", 1] == told["mrr", 2] == (50, (NO_RATE,))
    assert told["customers", 1] == told["customers", 2] == (1, (NO_RATE,))
    assert told["new_customers", 1] == (1, (NO_RATE,))
    assert told["new_mrr", 1] == (50, (NO_RATE,))
    assert told["new_customers", 2] == (0, ())
    assert told["mrr", 3] == (113, ())
    assert told["new_customers", 3][0] == 1
