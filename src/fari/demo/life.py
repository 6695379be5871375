"""What becomes of an account: trial, payment, seats, plans, the price rise, the outage, leaving, coming back."""

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from fari.demo.days import DAY, Months, add_months, local, midnight
from fari.demo.market import (
    ANNUAL_CHURN,
    ANNUAL_MONTHS,
    ANNUAL_SHARE,
    BAD_CHANNELS,
    INCIDENT_DAY,
    INCIDENT_EXTRA_CHURN,
    INCIDENT_MONTH,
    PLANS,
    PRICE_RISE,
    PRICE_RISE_MONTH,
    Plan,
)
from fari.demo.people import Account, Discount, Subscription

Wish = tuple[Plan, int, str]
"""What an account wants: plan, seats, interval."""
TRIAL_DAYS = 14
DUNNING_DAYS = 21
_PLAN = {plan.name: n for n, plan in enumerate(PLANS)}
_PLAN_CHURN = (1.10, 0.92, 0.65)
_REASONS = (("too_expensive", 24), ("missing_features", 20), ("switched_service", 18), ("unused", 18), ("too_complex", 8),
            ("customer_service", 6), ("other", 6))  # fmt: skip


class Life:
    """Tells the lives of accounts, in the order they are asked for, with a chance of its own."""

    def __init__(self, months: Months, rng: Random) -> None:
        self.months, self.rng = months, rng
        self.subscriptions: list[Subscription] = []
        rise, incident = months.number(PRICE_RISE_MONTH), months.number(INCIDENT_MONTH)
        self.rise = midnight(months.firsts[rise]) if rise is not None else 0
        self.outage = (midnight(months.firsts[incident].replace(day=INCIDENT_DAY)), months.edges[incident]) if incident is not None else None
        self._owed = dict.fromkeys(INCIDENT_EXTRA_CHURN, 0.5)
        self._reasons = [reason for reason, weight in _REASONS for _ in range(weight)]

    def choose(self, account: Account) -> Wish:
        """What a new account wants."""
        rng, draw = self.rng, self.rng.random()
        shares = account.channel.plans
        plan = PLANS[0] if draw < shares[0] else PLANS[1] if draw < shares[0] + shares[1] else PLANS[2]
        low, high = plan.seats
        yearly = 0.07 if account.channel.name in BAD_CHANNELS else 0.55 if plan.name == "Business" else ANNUAL_SHARE
        return plan, min(rng.randint(low, high), rng.randint(low, high)), "year" if rng.random() < yearly else "month"

    def trial(self, account: Account, wish: Wish, at: int, won: bool) -> int:
        """A trial from `at`; if `won`, the life after it. The end of the trial."""
        begun = local(at).date()
        end = midnight(begun.fromordinal(begun.toordinal() + TRIAL_DAYS)) + at - midnight(begun)
        made = self._open(account, *wish, at)
        made.trial_end = end
        if won:
            made.discount = self._coupon(end)
            self._live(account, made, end)
        else:
            made.end, made.ending = end, "trial"
            made.clicked = end if self.rng.random() < 0.5 else at + (end - at) // 2
            made.at_period_end = made.clicked < end
        return end

    def buy(self, account: Account, wish: Wish, at: int) -> None:
        """A purchase without a trial, and the life after it."""
        made = self._open(account, *wish, at)
        made.discount = self._coupon(at)
        self._live(account, made, at)

    def _open(self, account: Account, plan: Plan, seats: int, interval: str, at: int) -> Subscription:
        raised = bool(self.rise) and at >= self.rise
        made = Subscription(len(self.subscriptions) + 1, account, plan.name, seats, interval, self.price(plan, account, interval, raised), at)
        made.raised = raised
        self.subscriptions.append(made)
        account.subscriptions.append(made)
        account.since = min(account.since or at, at)
        return made

    @staticmethod
    def price(plan: Plan, account: Account, interval: str, raised: bool) -> int:
        """Cents of a seat per interval."""
        cents = Decimal(plan.prices[account.country.currency] * (ANNUAL_MONTHS if interval == "year" else 1))
        return int((cents * PRICE_RISE).quantize(Decimal(1), ROUND_HALF_UP)) if raised else int(cents)

    def _coupon(self, at: int) -> Discount | None:
        draw = self.rng.random()
        if draw > 0.12:
            return None
        if draw < 0.07:
            day = local(at).date()
            return Discount(20, "repeating", 3, at, midnight(add_months(day, 3)) + at - midnight(day))
        return Discount(10, "forever", 0, at, 0) if draw < 0.10 else Discount(25, "once", 0, at, 0)

    def _live(self, account: Account, now: Subscription, paid: int) -> None:
        """Month by month from the first payment, until the demo's end or the account's."""
        account.paid_since = min(account.paid_since or paid, paid)
        anchor, month, end = local(paid).date(), 0, self.months.end
        clock = paid - midnight(anchor)
        hurt = False
        while True:
            begin, renewal = (midnight(add_months(anchor, month + n)) + clock for n in (0, 1))
            month += 1
            if begin >= end:
                return
            if self.outage and not hurt and begin < self.outage[1] and renewal > self.outage[0]:
                hurt = True
                # Counted out rather than diced: the outage is planted, and shows in a small company too.
                self._owed[now.interval] += INCIDENT_EXTRA_CHURN[now.interval]
                if self._owed[now.interval] >= 1:
                    self._owed[now.interval] -= 1
                    # Some write first, all go within the month.
                    left = max(begin + DAY, self.outage[0] + self.rng.randrange(self.outage[1] - self.outage[0] - DAY))
                    self._end(now, "outage", min(left, self.outage[1] - 3600), "low_quality" if self.rng.random() < 0.5 else "")
                    return
            changed = self._change(now, begin, renewal)
            if changed is not None:
                now, anchor, month = changed, local(changed.start).date(), 0
                continue
            if now.interval == "year" and month % 12:
                continue
            # A yearly contract keeps its price: it was promised one.
            rises = bool(self.rise) and not now.raised and renewal >= self.rise and now.interval != "year"
            if self.rng.random() < self._risk(account, now, begin - account.paid_since) * (1.4 if rises else 1.0):
                gone = self._leave(now, begin, renewal)
                if self.rng.random() < 0.07:
                    back = gone + self.rng.randrange(40, 160) * DAY
                    if back < end:
                        plan = PLANS[_PLAN[now.plan]]
                        again = self._open(account, plan, now.seats, "month", back)
                        self._live(account, again, back)
                return
            if rises:
                if renewal >= end:
                    return
                now = self._swap(now, renewal, raised=True)
                anchor, month = local(renewal).date(), 0

    @staticmethod
    def _risk(account: Account, now: Subscription, age: int) -> float:
        risk = account.channel.churn * _PLAN_CHURN[_PLAN[now.plan]]
        if now.interval == "year":
            return min(0.6, risk * ANNUAL_CHURN)
        return risk * (1.35 if age < 100 * DAY else 0.9)

    def _change(self, now: Subscription, begin: int, renewal: int) -> Subscription | None:
        """A change of seats, plan or interval between two payments, if there is one."""
        rng, draw = self.rng, self.rng.random()
        bad = now.account.channel.name in BAD_CHANNELS
        grow, shrink = (0.010, 0.020) if bad else (0.040, 0.012)
        place = _PLAN[now.plan]
        seats, plan, interval = now.seats, place, now.interval
        if draw < grow:
            seats += rng.randint(1, max(1, now.seats // 2))
        elif draw < grow + shrink:
            seats -= rng.randint(1, max(1, now.seats // 3))
        elif draw < grow + shrink + 0.006:
            plan += 1
        elif draw < grow + shrink + 0.009:
            plan -= 1
        elif draw < grow + shrink + 0.015 and interval == "month":
            interval = "year"
        if (seats, plan, interval) == (now.seats, place, now.interval) or seats < 1 or not 0 <= plan < len(PLANS):
            return None
        day = local(begin).date().toordinal() + rng.randrange(2, 27)
        at = midnight(date.fromordinal(day)) + begin - midnight(local(begin).date())
        if at >= min(renewal, self.months.end):
            return None
        return self._swap(now, at, plan=PLANS[plan], seats=seats, interval=interval)

    def _swap(
        self, now: Subscription, at: int, *,
        plan: Plan | None = None, seats: int | None = None, interval: str | None = None, raised: bool | None = None,
    ) -> Subscription:  # fmt: skip
        """New terms from `at`: billing ends this subscription and begins another in the same second."""
        account = now.account
        plan, seats, interval = plan or PLANS[_PLAN[now.plan]], seats or now.seats, interval or now.interval
        made = self._open(account, plan, seats, interval, at)
        made.raised = now.raised if raised is None else raised
        made.cents = self.price(plan, account, interval, made.raised)
        if now.discount and (now.discount.duration == "forever" or now.discount.end > at):
            made.discount = replace(now.discount)
        now.end, now.clicked, now.ending = at, at, "swap"
        return made

    def _leave(self, now: Subscription, begin: int, renewal: int) -> int:
        """The account's end, one way or another; when it was."""
        rng, draw = self.rng, self.rng.random()
        feedback = rng.choice(self._reasons) if rng.random() < 0.55 else ""
        if draw < 0.18:
            now.unpaid = renewal
            self._end(now, "unpaid", renewal + DUNNING_DAYS * DAY, "")
        elif draw < 0.42 and now.interval == "month":
            self._end(now, "left", begin + rng.randrange(DAY, max(2 * DAY, renewal - begin - DAY)), feedback)
        else:
            self._end(now, "left", renewal, feedback)
            now.clicked, now.at_period_end = renewal - rng.randrange(1, 25) * DAY, True
        return now.end

    @staticmethod
    def _end(now: Subscription, ending: str, at: int, feedback: str) -> None:
        now.end, now.clicked, now.ending, now.feedback = at, at, ending, feedback
