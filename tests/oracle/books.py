"""The measures: which rows count in a period, what each adds, and to which segments."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property

from .company import DIRECT, NO_REASON, NOT_SET, PAID, UNATTRIBUTED, Company, Key, Place, Tables, flag, text
from .costs import Cost, allocated, costs
from .coverage import Coverage
from .deals import Deal, deals
from .funnel import Funnel
from .identity import Identity
from .money import number
from .origin import Origin, Value
from .revenue import Movement, Renewal, Revenue
from .visits import Visits
from .when import DAY, add_months, day, instant, local_day

Split = Callable[[str], Value]
"""The segment of a row, by the name of a dimension."""

Rows = Iterable[tuple[Split, Fraction]]
Customer = str | Key
"""An account, or where customers come from the stages, a person."""

ONE = Fraction(1)
REASON_DAYS = timedelta(days=90)


class Books:
    """A company's tables, read once, asked often."""

    def __init__(self, tables: Tables, company: Company, place: Place | None = None) -> None:
        self.tables = tables
        self.company = company
        self.identity = Identity(tables, company)
        self.visits = Visits(self.identity, company, place)
        self.revenue = Revenue(tables, company, self.identity)
        self.funnel = Funnel(tables, company, self.identity, self.revenue)
        self.origin = Origin(tables, company, self.identity, self.visits)
        self.coverage = Coverage(tables, company)

    # What people did on the site

    def visitors(self, since: date, until: date) -> Rows:
        """One row per visitor with a page view in the period."""
        for visits in self.visits.by_visitor.values():
            here = [visit for visit in visits if any(since <= view.day < until for view in visit.views)]
            if not here:
                continue
            channel = next((visit.channel for visit in here if visit.channel != DIRECT), DIRECT)
            content = frozenset(view.content for visit in here for view in visit.views if since <= view.day < until)
            own: dict[str, Value] = {"channel": channel, "content": content}
            own |= {name: here[0].dimension(name) for name in ("campaign", "country", "device")}
            yield own.__getitem__, ONE

    def visits_begun(self, since: date, until: date) -> Rows:
        """One row per visit that began in the period."""
        return [(visit.dimension, ONE) for visit in self.visits.all if since <= visit.day < until]

    def pageviews(self, since: date, until: date) -> Rows:
        """One row per page view; all but its content is its visit's."""
        for visit in self.visits.all:
            for view in visit.views:
                if since <= view.day < until:
                    own = {"content": view.content} | {name: visit.dimension(name) for name in ("channel", "campaign", "country", "device")}
                    yield own.__getitem__, ONE

    # People

    def _person(self, person: Key, at: datetime, extra: Mapping[str, str] | None = None) -> Split:
        return lambda name: (extra or {}).get(name) or self.origin.of_person(person, at, name)

    def entered(self, stage: str, since: date, until: date) -> Rows:
        """People who first entered a stage, split as of becoming leads."""
        return [(self._person(person, self.funnel.entered["lead"][person]), ONE) for person in self.funnel.entering(stage, since, until)]

    def leads_won(self, since: date, until: date) -> Rows:
        """Those who became leads in the period and whose account is a customer by the horizon."""
        entering = self.funnel.entering("lead", since, until)
        return [(self._person(person, at), ONE) for person, at in entering.items() if self._won(person)]

    def stays(self, since: date, until: date, *, count: bool) -> Rows:
        """Stages that people left in the period, for a later one or by becoming a customer: how many, or the days they had been in them."""
        zone = self.company.timezone
        for person, lead_at in self.funnel.entered["lead"].items():
            them: set[Customer] = {person, *self.identity.accounts_of(person)}
            won = min((self.customer_since[one] for one in them if one in self.customer_since), default=None)
            way = self.funnel.way(person)
            for (at, stage), later in zip(way, [*way[1:], None], strict=True):
                came = local_day(at, zone)
                ends = [local_day(later[0], zone)] if later else []
                if won is not None:
                    ends.append(won)
                if stage == "customer" or not ends or (won is not None and came > won) or not since <= min(ends) < until:
                    continue
                days = (min(ends) - came).days
                yield self._person(person, lead_at, {"stage": stage, "days": str(days)}), ONE if count else Fraction(days)

    def cycles(self, since: date, until: date, *, count: bool) -> Rows:
        """Customers won in the period of whose people one is known to have been a lead: how many, or the days since."""
        zone = self.company.timezone
        for customer, won in self.customer_since.items():
            if not since <= won < until:
                continue
            people = self.identity.people_of.get(customer, set()) if isinstance(customer, str) else {customer}
            ways = [step for person in people for step in self.funnel.way(person) if step[1] != "customer"]
            known = [local_day(at, zone) for at, _ in ways if local_day(at, zone) <= won]
            if known:
                days = (won - min(known)).days
                yield self._timed(customer, won, days), ONE if count else Fraction(days)

    def _timed(self, customer: Customer, won: date, days: int) -> Split:
        split = self._customer(customer, won)
        return lambda name: str(days) if name == "days" else split(name)

    def sent_back(self, since: date, until: date, *stages: str) -> Rows:
        """Rejections (or what is recycled), with the reason; of someone who never was a lead nothing is known."""
        for (person, stage, _), reason in self.funnel.sent_back(since, until).items():
            if stage in stages:
                lead_at = self.funnel.entered["lead"].get(person)
                yield self._reasoned(person, lead_at, reason), ONE

    def _reasoned(self, person: Key, lead_at: datetime | None, reason: str) -> Split:
        if lead_at is not None:
            return self._person(person, lead_at, {"rejection_reason": reason})
        return lambda name: reason if name == "rejection_reason" else UNATTRIBUTED if name == "channel" else NOT_SET

    def signups(self, since: date, until: date) -> Rows:
        """Users who signed up."""
        return [(self._person(s.person, s.at, {"signup_kind": s.kind}), ONE) for s in self.funnel.signups(since, until)]

    def signups_won(self, since: date, until: date) -> Rows:
        """Those of them whose account is a customer by the horizon."""
        found = self.funnel.signups(since, until)
        return [(self._person(s.person, s.at, {"signup_kind": s.kind}), ONE) for s in found if self._won(s.person)]

    def _won(self, person: Key) -> bool:
        them: set[Customer] = {person, *self.identity.accounts_of(person)}
        return any(one in self.customer_since and self.customer_since[one] <= self.coverage.horizon for one in them)

    # Customers

    @cached_property
    def customers_from(self) -> str:
        """The table that makes a customer."""
        if self.company.customer_from != "auto":
            return self.company.customer_from
        return next((table for table in ("subscriptions", "deals") if self.tables.get(table)), "stages")

    @cached_property
    def customer_since(self) -> Mapping[Customer, date]:
        """The day each customer became one."""
        found: dict[Customer, date] = {}
        if self.customers_from == "subscriptions":
            for account, first_paid in self.revenue.first_paid.items():
                found[account] = first_paid
        elif self.customers_from == "stages":
            for person, at in self.funnel.entered["customer"].items():
                found[person] = local_day(at, self.company.timezone)
        else:
            for deal in self.deals:
                if deal.status == "won" and deal.closed and deal.account:
                    found[deal.account] = min(deal.closed, found.get(deal.account, deal.closed))
        return found

    def _customer(self, customer: Customer, on: date) -> Split:
        def split(name: str) -> Value:
            if name in {"plan", "currency"}:
                return self.revenue.main(customer, on, name) if isinstance(customer, str) else NOT_SET
            if name == "cohort":
                return f"{self.customer_since[customer]:%Y-%m}" if customer in self.customer_since else NOT_SET
            if name == "term":
                return self.revenue.term(customer) if isinstance(customer, str) else NOT_SET
            if isinstance(customer, str):
                return self.origin.of_account(customer, self.customer_since.get(customer), name)
            return self.origin.of_person(customer, self.funnel.entered["lead"][customer], name)

        return split

    def customers(self, on: date) -> Rows:
        """The customers of a day."""
        if self.customers_from == "subscriptions":
            return [(self._customer(account, on), ONE) for account in self.revenue.paying(on)]
        return [(self._customer(customer, on), ONE) for customer, won in self.customer_since.items() if won <= on]

    def new_customers(self, since: date, until: date) -> Rows:
        """Those who became one in the period."""
        return [(self._customer(customer, won), ONE) for customer, won in self.customer_since.items() if since <= won < until]

    def paid_customers(self, since: date, until: date) -> Rows:
        """Those of them credited to a paid channel."""
        return [(split, n) for split, n in self.new_customers(since, until) if split("channel") in PAID]

    # Revenue

    def mrr(self, on: date) -> Rows:
        """What each customer pays a month, as of a day."""
        return [(self._customer(account, on), level) for account, level in self.revenue.paying(on).items()]

    def mrr_then(self, since: date, until: date, *, at_most: bool) -> Rows:
        """What the customers of the opening pay at the close; at most what they paid then."""
        for account, then in self.revenue.paying(since - DAY).items():
            now = self.revenue.level(account, until - DAY)
            yield self._customer(account, since - DAY), min(now, then) if at_most else now

    def moved(self, kind: str, since: date, until: date, *, count: bool) -> Rows:
        """Movements of a kind: how many, or how much."""
        for movement in self.revenue.movements:
            if movement.kind == kind and since <= movement.on < until:
                yield self._movement(movement), ONE if count else movement.amount

    def _movement(self, movement: Movement) -> Split:
        def split(name: str) -> Value:
            return self._reason(movement) if name == "churn_reason" else self._customer(movement.account, movement.standing)(name)

        return split

    def _reason(self, movement: Movement) -> str:
        found: list[tuple[datetime, str]] = []
        for row in self.tables.get("feedback", ()):
            at = instant(text(row, "at"), self.company.timezone)
            accounts = {self.identity.account(text(row, "account_id"))} if text(row, "account_id") else set()
            if text(row, "person_id"):
                accounts |= self.identity.accounts_of(self.identity.person(text(row, "person_id")))
            said = text(row, "kind") == "churn_reason" and text(row, "value") and movement.account in accounts
            if at and said and local_day(at, self.company.timezone) <= movement.on + REASON_DAYS:
                found.append((at, text(row, "value")))
        return max(found)[1] if found else NO_REASON

    def renewals(self, since: date, until: date, *, kept: bool) -> Rows:
        """Paid intervals that ended; only the renewed ones."""
        for renewal in self.revenue.renewals(since, until):
            if renewal.kept or not kept:
                yield self._renewal(renewal), ONE

    def _renewal(self, renewal: Renewal) -> Split:
        own = {"plan": renewal.plan, "currency": renewal.currency}
        return lambda name: own.get(name) or self._customer(renewal.account, renewal.last_day)(name)

    def trials(self, since: date, until: date, *, won: bool) -> Rows:
        """Accounts whose first trial began; only those that have paid by the horizon."""
        for account, began in self.revenue.first_trial.items():
            first_paid = self.revenue.first_paid.get(account)
            if since <= began < until and (not won or (first_paid and first_paid <= self.coverage.horizon)):
                yield self._customer(account, began), ONE

    def lifetimes(self, since: date, until: date, unit: str, *, ended: bool) -> Rows:
        """Accounts that became customers, watched to the period's end: those gone, or those still there, at so many months or terms."""
        for account, first in self.revenue.first_paid.items():
            if since <= first < until:
                gone, count = self.revenue.watched(account, until - DAY, in_terms=unit == "tenure")
                if gone == ended:
                    yield self._aged(account, unit, count), ONE

    def _aged(self, account: str, unit: str, count: int) -> Split:
        split = self._customer(account, self.revenue.first_paid[account])
        return lambda name: str(count) if name == unit else split(name)

    # Costs

    @cached_property
    def _costs(self) -> list[Cost]:
        return costs(self.tables, self.company)

    def spend(self, since: date, until: date) -> Rows:
        """Every cost of the period; shared cost is a row of its own."""
        return [(cost.dimension, cost.amount) for cost in self._costs if since <= cost.on < until]

    def media_spend(self, since: date, until: date) -> Rows:
        """Advertising alone, to acquire."""
        return [
            (cost.dimension, cost.amount) for cost in self._costs if since <= cost.on < until and cost.kind == "ads" and cost.purpose == "acquire"
        ]

    def acquisition_spend(self, since: date, until: date, names: tuple[str, ...]) -> dict[tuple[str, ...], Fraction]:
        """Cost to acquire by segment, shared cost shared out by new customers."""
        spent = [cost for cost in self._costs if since <= cost.on < until and cost.purpose == "acquire"]
        return allocated(spent, summed(self.new_customers(since, until), names), names)

    # Deals and searches

    @cached_property
    def deals(self) -> list[Deal]:
        """All deals."""
        return deals(self.tables, self.company, self.identity)

    def _deal(self, deal: Deal) -> Split:
        def split(name: str) -> Value:
            if name == "currency":
                return deal.currency
            if deal.account is None:
                return UNATTRIBUTED if name == "channel" else NOT_SET
            return self.origin.of_account(deal.account, self.customer_since.get(deal.account), name)

        return split

    def pipeline(self, on: date, *, weighted: bool) -> Rows:
        """Deals open at the end of the day whose meeting had been held."""
        for deal in self.deals:
            if deal.amount is not None and deal.open_on(on) and deal.met_by(on):
                yield self._deal(deal), deal.amount * (deal.probability if weighted else ONE)

    def pipeline_created(self, since: date, until: date) -> Rows:
        """Deals created in the period."""
        for deal in self.deals:
            if deal.amount is not None and not deal.broken and since <= deal.created < until:
                yield self._deal(deal), deal.amount

    def searches(self, since: date, until: date, *, ours: bool) -> Rows:
        """Searches of the months wholly in the period, for our brand or for all."""
        for row in self.tables.get("searches", ()):
            month, volume = day(text(row, "month")), number(row, "volume")
            if month and volume is not None and since <= month and add_months(month, 1) <= until and (flag(text(row, "ours")) or not ours):
                yield _whole, volume


def _whole(name: str) -> Value:
    raise KeyError(name)


def summed(rows: Rows, names: tuple[str, ...]) -> dict[tuple[str, ...], Fraction]:
    """Rows added up by segment; a row that belongs to several (content) counts in each."""
    found: dict[tuple[str, ...], Fraction] = {}
    for split, amount in rows:
        segments: list[tuple[str, ...]] = [()]
        for name in names:
            value = split(name)
            values = {value} if isinstance(value, str) else value
            segments = [(*segment, one) for segment in segments for one in values]
        for segment in segments:
            found[segment] = found.get(segment, Fraction(0)) + amount
    return found
