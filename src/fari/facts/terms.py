"""Terms: what each stretch of a subscription is worth a month under the rules in force, and which of them count on a day."""

from collections.abc import Iterable
from decimal import Decimal

import ibis
from ibis.expr.types import BooleanValue, DecimalValue, IntegerValue, Table

from fari.facts.accounts import with_account
from fari.facts.money import MONEY, micros_to_money, nearest, rated
from fari.facts.words import FOREVER, NOT_SET, settled

MEAN_OF = 3
"""Usage is worth the mean of this many closed periods, or of as many as there are."""


def terms(subscriptions: Table, account_ids: Table, fx: Table, home: Table, intervals: Table, pieces: Table, rules: Table) -> Table:
    """One row per stretch of unchanged terms: whose, from and until which day, and what it is worth a month in the company's currency.

    `value` is what counts as MRR while it pays (`from_day` to `pays_until`), `price` the same whatever its status, `list_value` before
    discounts. Where currencies are converted anew each month a stretch has a row for each (`drift`: what the rate changed since the one before).
    """
    by_meter = ibis.coalesce(subscriptions.metered, False)
    given = (account_ids, fx, home, intervals, pieces, rules)
    return _valued(subscriptions.filter(~by_meter), *given).union(_used(_valued(subscriptions.filter(by_meter), *given), rules), distinct=False)


def _valued(subscriptions: Table, account_ids: Table, fx: Table, home: Table, intervals: Table, pieces: Table, rules: Table) -> Table:
    joined = settled(subscriptions).left_join(account_ids, subscriptions.account_id == account_ids.id)
    joined = joined.select(*[joined[name] for name in subscriptions.columns], owner=ibis.coalesce(joined.account, joined.account_id))
    per = intervals.select(of_interval=intervals.interval, up=intervals.up, down=intervals.down)
    t = settled(joined).inner_join(per, joined.interval == per.of_interval).cross_join(rules).cross_join(home)
    taxed = t.amount - (t.tax_in == 1).ifelse(_zero(), _given(t.tax))
    off = _any((t.discount_kind == kind) & (t[kind] == 1) for kind in ("once", "repeating", "forever")).ifelse(_given(t.discount), _zero())
    worth = _any([t.status.isin(["active", "past_due"]), (t.status == "trialing") & (t.trial == 1), (t.status == "paused") & (t.pause == 1)])
    told = ibis.coalesce(t.ends_on_day, FOREVER)
    clicked = (t.at_click == 1) & t.cancelled_on_day.notnull()
    until = clicked.ifelse(ibis.least(told, ibis.greatest(t.cancelled_on_day, t.starts_on_day)), told)
    lapses = ibis.coalesce(t.past_due_on_day, t.starts_on_day) + t.past_due_days + 1
    rows = t.select(
        "subscription_id", "currency", "status", "quantity", "interval", "origin", "home_currency",
        account=t.owner,
        starts_day=t.starts_on_day,
        ends_day=told.cast("int32"),
        stops_day=until.cast("int32"),
        lapses_day=(t.status == "past_due").ifelse(ibis.least(until, ibis.greatest(lapses, t.starts_on_day)), until).cast("int32"),
        cancelled_day=t.cancelled_on_day,
        overdue_day=(t.status == "past_due").ifelse(ibis.coalesce(t.past_due_on_day, t.starts_on_day), ibis.null("int32")).cast("int32"),
        plan=ibis.coalesce(t.plan, NOT_SET),
        interval_count=ibis.coalesce(t.interval_count, 1),
        dom=t.starts_on.day().cast("int32"),
        month_no=(t.starts_on.year() * 12 + t.starts_on.month()).cast("int32"),
        worth=worth.ifelse(1, 0),
        up=t.up,
        down=t.down * ibis.coalesce(t.interval_count, 1),
        list_micros=_micros(taxed),
        net_micros=_micros(taxed - off),
        split=(t.currency != t.home_currency).ifelse(1, 0),
    )  # fmt: skip
    rows = settled(rows).inner_join(
        pieces, [rows.split == pieces.piece_split, rows.starts_day < pieces.piece_until, rows.stops_day > pieces.piece_from]
    )
    cut = rows.mutate(
        from_day=ibis.greatest(rows.starts_day, rows.piece_from).cast("int32"),
        until_day=ibis.least(rows.stops_day, rows.piece_until).cast("int32"),
        before_day=(rows.piece_from > rows.starts_day).ifelse(ibis.greatest(rows.starts_day, rows.piece_before), ibis.null("int32")).cast("int32"),
        net=micros_to_money(nearest(rows.net_micros * rows.up, rows.down)),
        listed=micros_to_money(nearest(rows.list_micros * rows.up, rows.down)),
    )
    cut = rated(cut, fx, "from_day", "rate")
    cut = rated(cut, fx, "before_day", "rate_before")
    cut = cut.filter(cut.from_day < cut.until_day)
    at_home = cut.currency == cut.home_currency
    exchanged = at_home.ifelse(cut.net, _exchanged(cut.net, cut.rate))
    price = ibis.coalesce(exchanged, _zero())
    counts = cut.worth == 1
    moved = counts & ~at_home & cut.rate_before.notnull() & (cut.from_day < cut.lapses_day)
    return cut.select(
        "subscription_id", "account", "from_day", "until_day", "starts_day", "ends_day", "cancelled_day", "overdue_day", "currency", "plan", "status",
        "quantity", "interval", "interval_count", "dom", "month_no", "origin",
        pays_until=ibis.greatest(ibis.least(cut.until_day, cut.lapses_day), cut.from_day).cast("int32"),
        value=counts.ifelse(price, _zero()),
        price=price,
        list_value=ibis.coalesce(at_home.ifelse(cut.listed, _exchanged(cut.listed, cut.rate)), _zero()),
        drift=moved.ifelse(price - ibis.coalesce(_exchanged(cut.net, cut.rate_before), _zero()), _zero()).cast(MONEY),
        usage=_zero(),
        left_out=(counts & exchanged.isnull() & (cut.net > _zero())).ifelse(1, 0).cast("int64"),
    )  # fmt: skip


def _used(billed: Table, rules: Table) -> Table:
    """Metered stretches are closed periods: from the end of each until that of the next, usage is worth the mean of the last few."""
    closed = billed.filter(billed.ends_day < FOREVER)
    order = ibis.window(group_by="subscription_id", order_by=[closed.until_day, closed.from_day])
    lately = ibis.window(group_by="subscription_id", order_by=[closed.until_day, closed.from_day], preceding=MEAN_OF - 1, following=0)
    known = closed.mutate(
        micros=(closed.price * 1_000_000).cast("int64").sum().over(lately).cast("int64"),
        periods=closed.count().over(lately).cast("int64"),
        next_end=closed.until_day.lead(1).over(order),
    )
    known = known.cross_join(rules)
    usage = micros_to_money(nearest(known.micros, known.periods))
    begins, ends = known.until_day, ibis.coalesce(known.next_end, known.until_day + known.until_day - known.from_day).cast("int32")
    return known.select(*[
        {
            "from_day": begins, "until_day": ends, "starts_day": begins, "ends_day": ends, "pays_until": ends,
            "value": (known.usage_in == 1).ifelse(usage, _zero()), "price": usage, "list_value": usage, "usage": usage,
        }.get(name, known[name]).name(name)
        for name in billed.columns
    ])  # fmt: skip


def crowded_accounts(terms: Table) -> Table:
    """Accounts of which two terms overlap: several subscriptions, or one told twice. Only of these are terms added up."""
    spans = terms.select("account", "from_day", "until_day")
    next_day = spans.from_day.lead(1).over(ibis.window(group_by="account", order_by=[spans.from_day, spans.until_day]))
    spans = spans.mutate(next_day=next_day)
    spans = spans.filter(spans.next_day < spans.until_day)
    # No DISTINCT: Sail cannot tell whether one is empty.
    return spans.group_by("account").aggregate(overlaps=spans.count().cast("int64"))


_HELD = (
    "subscription_id", "account", "from_day", "until_day", "pays_until", "starts_day", "ends_day", "cancelled_day", "overdue_day", "currency",
    "plan", "status", "quantity", "interval", "interval_count", "value", "price", "list_value", "drift", "usage", "left_out", "origin",
)  # fmt: skip


def shared_terms(terms: Table, crowded_accounts: Table) -> Table:
    """Terms of accounts of which two overlap, cut so that of stretches of one subscription that overlap only the later start counts."""
    return _uncovered(settled(terms.select(*_HELD)).semi_join(crowded_accounts.select("account"), "account"))


def held_terms(terms: Table, crowded_accounts: Table, shared_terms: Table) -> Table:
    """Terms that count, day by day. `alone` is 1 where no two of the account overlap: nearly everywhere, so that only the others need be added up."""
    one = terms.select(*_HELD).anti_join(crowded_accounts.select("account"), "account").mutate(alone=ibis.literal(1, "int32"))
    return one.union(shared_terms.mutate(alone=ibis.literal(0, "int32")).select(*one.columns), distinct=False)


def running(held_terms: Table) -> Table:
    """Terms that count, day by day: of stretches of one subscription that overlap the later start, else the terms as they are."""
    return held_terms


def _uncovered(rows: Table) -> Table:
    """Stretches cut where another of the same subscription begins or ends, and of those that hold at a time the one that started last."""
    whose = ["account", "subscription_id"]
    edges = rows.select(*whose, day=rows.from_day).union(rows.select(*whose, day=rows.until_day), distinct=True)
    spans = edges.mutate(edge_until=edges.day.lead(1).over(ibis.window(group_by=whose, order_by=edges.day)))
    spans = spans.filter(spans.edge_until.notnull()).select(s_account="account", s_id="subscription_id", edge_day="day", edge_until="edge_until")
    held = settled(rows).inner_join(
        spans, [rows.account == spans.s_account, rows.subscription_id == spans.s_id, rows.from_day <= spans.edge_day, rows.until_day > spans.edge_day]
    )
    nth = ibis.row_number().over(
        ibis.window(group_by=[*whose, "edge_day"], order_by=[held.starts_day.desc(), held.from_day.desc(), held.value.desc(), held.origin])
    )
    won = held.mutate(nth=nth)
    won = won.filter(won.nth == 0)
    kept = [name for name in rows.columns if name not in ("from_day", "until_day", "pays_until", "drift")]
    pays = ibis.least(ibis.greatest(won.pays_until, won.edge_day), won.edge_until).cast("int32")
    begins = won.edge_day == won.from_day
    return won.select(*kept, from_day=won.edge_day, until_day=won.edge_until, pays_until=pays, drift=begins.ifelse(won.drift, _zero()))


def stretches(running: Table, sides: Table, account_facts: Table) -> Table:
    """Running terms with their account's dimensions and what they are worth in other ways than MRR.

    Each is cut on the day of the click on cancel, if there was one (`committed` until then), and where an overdue one stops to count.
    """
    t = settled(running).cross_join(sides)
    click = ibis.least(ibis.greatest(ibis.coalesce(t.cancelled_day, FOREVER), t.from_day), t.until_day)
    before = t.side == 0
    t = t.mutate(begins=before.ifelse(t.from_day, click).cast("int32"), ends=before.ifelse(click, t.until_day).cast("int32"))
    lapse = ibis.least(ibis.greatest(t.pays_until, t.begins), t.ends).cast("int32")
    rows = _book(t.mutate(last=lapse), "begins", "last", t.value).union(_book(t.mutate(last=lapse), "last", "ends", _zero()), distinct=False)
    return with_account(rows.filter(rows.from_day < rows.until_day), account_facts)


def _book(t: Table, begins: str, ends: str, value: DecimalValue) -> Table:
    return t.select(
        "subscription_id", "account", "plan", "currency", "status", "quantity", "origin", "left_out",
        from_day=t[begins], until_day=t[ends], mrr=value,
        committed=(t.side == 0).ifelse(value, _zero()),
        at_risk=(t.status == "past_due").ifelse(value, _zero()),
        list_mrr=(value > _zero()).ifelse(t.list_value, _zero()),
        trial=(t.status == "trialing").ifelse(t.price, _zero()),
        paused=(t.status == "paused").ifelse(t.price, _zero()),
        usage=t.usage,
    )  # fmt: skip


def _zero() -> DecimalValue:
    return ibis.literal(Decimal(0), MONEY)


def _given(amount: DecimalValue) -> DecimalValue:
    return ibis.coalesce(amount, _zero())


def _any(conditions: Iterable[BooleanValue]) -> BooleanValue:
    first, *rest = conditions
    for condition in rest:
        first = first | condition
    return ibis.coalesce(first, False)


def _micros(amount: DecimalValue) -> IntegerValue:
    return (ibis.greatest(amount, _zero()) * 1_000_000).cast("int64")


def _exchanged(amount: DecimalValue, rate: DecimalValue) -> DecimalValue:
    return (amount * rate).round(6).cast(MONEY)
