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


def test_a_sign_up_is_of_the_kind_of_the_first_subscription_of_a_person_with_several_accounts(tmp_path: Path) -> None:
    """One person with two accounts, on trial from 1 March in one, paying from 5 March in the other. The sign-up says no kind: it is a trial."""
    files = {
        "people": "person_id,email,account_id\np1,x@a.test,a\np2,x@a.test,b",
        "subscriptions": """
        subscription_id,account_id,starts_on,ends_on,amount,currency,interval,status
        s1,a,2025-03-05,,50,EUR,month,
        s2,b,2025-03-01,2025-03-15,50,EUR,month,trialing
        """,
        "events": "type,event,userId,timestamp\ntrack,Signed Up,p1,2025-03-02T10:00:00Z",
    }
    asker = project(tmp_path, files)
    assert {a.segment["signup_kind"]: a.value for a in ask(asker, "signups", "2025-03", by="signup_kind")} == {"trial": 1}


def test_days_in_a_stage_are_of_stages_that_someone_was_in_and_left(tmp_path: Path) -> None:
    """`p` skips MQL: 9 days a lead, 4 an SQL, until the account pays; what the CRM says later is nothing. `q` waits, `r` only ever paid."""
    files = {
        "people": "person_id,account_id\np,a\nq,b\nr,c",
        "stages": """
        person_id,stage,at
        p,lead,2025-03-01T23:30:00Z
        p,sql,2025-03-10T00:30:00Z
        p,customer,2025-04-20
        q,mql,2025-03-05
        r,customer,2025-03-01
        """,
        "subscriptions": """
        subscription_id,account_id,starts_on,ends_on,amount,currency,interval
        s1,a,2025-03-14,,50,EUR,month
        s2,c,2025-03-01,,50,EUR,month
        """,
    }
    asker = project(tmp_path, files)
    told = {a.segment["stage"]: a.value for a in ask(asker, "days_in_stage", "2025-03", by="stage")}
    assert told == {"lead": 9, "sql": 4}
    (cycle,) = ask(asker, "sales_cycle_days", "2025-03")
    assert cycle.value == 13
    assert cycle.notes == ("1 row left out: of customers of whose people none is known to have been a lead before",)


def test_a_landing_page_is_an_address_as_people_say_it(tmp_path: Path) -> None:
    """www., a slash at the end and what follows a question mark make no other page; another host does. A second page of a visit is no landing."""
    events = """
    type,anonymousId,userId,timestamp,context.page.url
    page,x,,2025-03-03T10:00:00Z,https://www.acme.test/pricing/?plan=a
    page,x,,2025-03-03T10:05:00Z,https://acme.test/
    page,y,,2025-03-03T10:00:00Z,https://acme.test/pricing
    page,z,z,2025-03-03T10:00:00Z,https://docs.acme.test/
    """
    asker = project(tmp_path, {"events": events, "stages": "person_id,stage,at\nz,lead,2025-03-04\nw,lead,2025-03-04"})
    assert {a.segment["landing_page"]: a.value for a in ask(asker, "visits", "2025-03", by="landing_page")} == {
        "acme.test/pricing": 2,
        "docs.acme.test/": 1,
    }
    assert {a.segment["landing_page"]: a.value for a in ask(asker, "leads", "2025-03", by="landing_page")} == {"docs.acme.test/": 1, "(not set)": 1}


def test_a_segment_that_no_row_has_is_said(tmp_path: Path) -> None:
    """`Paid Serach` is 0, as any segment without a row is, and the answer says so; a segment of another period is not called unknown."""
    people = "person_id,channel\np,Paid Search\nq,Email"
    asker = project(tmp_path, {"people": people, "stages": "person_id,stage,at\np,lead,2025-03-04\nq,lead,2025-02-04"})
    (odd,) = ask(asker, "leads", "2025-03", where={"channel": "Paid Serach"})
    assert (odd.value, odd.notes) == (0, ("no row has channel 'Paid Serach'; did you mean 'Paid Search'?",))
    assert [one.notes for one in ask(asker, "leads", "2025-02", "2025-03", where={"channel": "Email"})] == [(), ()]


def test_page_views_of_bots_are_told_by_what_gave_them_away(tmp_path: Path) -> None:
    """Two robots, one of them on two days and with three page views; a person is none. Counted here in plain Python, agent by agent."""
    google, gpt = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Mozilla/5.0 (compatible; GPTBot/1.2)"
    seen = [("g", google, "03-03"), ("g", google, "03-03"), ("g", google, "03-04"), ("o", gpt, "03-05"), ("p", "Mozilla/5.0 Firefox/141.0", "03-05")]
    rows = [f'page,{who},2025-{day}T10:0{n}:00Z,https://acme.test/,"{agent}"' for n, (who, agent, day) in enumerate(seen)]
    asker = project(tmp_path, {"events": "type,anonymousId,timestamp,context.page.url,context.userAgent\n" + "\n".join(rows)})
    expected = {bot: sum(bot.rstrip("\\/") in agent for _, agent, _ in seen) for bot in ("Googlebot\\/", "GPTBot")}
    assert {a.segment["bot"]: a.value for a in ask(asker, "bot_pageviews", "2025-03", by="bot")} == expected == {"Googlebot\\/": 3, "GPTBot": 1}
    assert [a.value for a in ask(asker, "bot_pageviews pageviews", "2025-03")] == [4, 1]
