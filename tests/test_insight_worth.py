"""What a customer is worth: worked out by hand from the models, on made-up companies whose customers leave as a model says, and refused."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from math import isclose, sqrt
from pathlib import Path
from random import Random

import pytest
from tests.oracle.when import add_months
from tests.projects import company, project

from fari.engine.answer import Answer, Question
from fari.engine.ask import Asker
from fari.engine.periods import Period
from fari.errors import FariError
from fari.insight.foretold import foretold
from fari.insight.lives import Lives, lives
from fari.insight.retention import Retention, fit
from fari.insight.worth import BASE, FITTED, NAIVE, faster, months_of, slowed, terms, worth

TODAY = date(2025, 1, 1)
YEAR = Period(date(2024, 1, 1), date(2025, 1, 1))
MONTHLY, YEARLY = Retention.of(0.9, 8.0), Retention.of(1.5, 8.0)
"""How the made-up company's customers leave."""


def made_up(dice: Random) -> dict[str, str]:
    """360 customers by month and 140 by year, won since 2021; those of the channel Display are three times as likely to leave."""
    rows, people = [], []
    for n in range(500):
        months, model = (1, MONTHLY) if n < 360 else (12, YEARLY)
        channel = dice.choice(("Email", "Referral", "Referral", "Display"))
        chance = dice.betavariate(model.a, model.b)
        chance = min(1.0, 3 * chance) if channel == "Display" else chance
        first = date(2021, 1, 1) + timedelta(days=dice.randrange(1440))
        renewal = 1
        while add_months(first, months * renewal) < TODAY and dice.random() >= chance:
            renewal += 1
        ends = add_months(first, months * renewal)
        price = 20 * months if channel == "Email" else 50 * months
        rows.append(f"s{n},a{n},{first},{ends if ends < TODAY else ''},{price},EUR,{'month' if months == 1 else 'year'}")
        people.append(f"p{n},a{n},{channel}")
    return {
        "subscriptions": "subscription_id,account_id,starts_on,ends_on,amount,currency,interval\n" + "\n".join(rows),
        "people": "person_id,account_id,channel\n" + "\n".join(people),
        "spend": "day,amount,currency\n2024-12-31,1,EUR",
    }


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """The made-up company, known until the end of 2024."""
    return project(tmp_path_factory.mktemp("firm"), made_up(Random(5)), today=date(2025, 1, 15))


def asked(*by: str, where: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> Question:
    return Question((), (YEAR,), by, where, today=date(2025, 1, 15))


def told(asker: Asker, *by: str, where: tuple[tuple[str, tuple[str, ...]], ...] = (), discount: float = 0.1) -> dict[str, dict[str, Answer]]:
    """By metric, then by segment."""
    question = asked(*by, where=where)
    found: dict[str, dict[str, Answer]] = {}
    for answer in worth(asker, question, terms(asker, question), discount):
        found.setdefault(answer.metric, {})[" ".join(answer.segment.values())] = answer
    return found


def number(value: object) -> float:
    assert isinstance(value, Decimal | int)
    return float(value)


def spells(interval: str) -> list[tuple[date, date | None]]:
    """First day and end of the made-up customers with that term."""
    rows = [row.split(",") for row in made_up(Random(5))["subscriptions"].splitlines()[1:]]
    return [(date.fromisoformat(row[2]), date.fromisoformat(row[3]) if row[3] else None) for row in rows if row[6] == interval]


def lives_by_hand(customers: list[tuple[date, date | None]], until: date, months: int = 1) -> Lives:
    """Renewal day by renewal day, as watched until the day before one."""
    lost: dict[int, int] = {}
    open_: dict[int, int] = {}
    for first, ends in customers:
        if first >= until:
            continue
        age = 0
        while add_months(first, months * (age + 1)) < until and (ends is None or ends > add_months(first, months * age)):
            age += 1
        counted = lost if ends is not None and ends <= add_months(first, months * age) else open_
        counted[age] = counted.get(age, 0) + 1
    return Lives(lost, open_)


def test_each_term_is_fitted_to_its_customers(firm: Asker) -> None:
    fitted = terms(firm, asked())
    assert list(fitted) == ["month", "year"]
    for name, months in (("month", 1), ("year", 12)):
        own = lives_by_hand(spells(name), YEAR.until, months)
        assert (dict(fitted[name].lives.lost), dict(fitted[name].lives.open)) == (own.lost, own.open)
        assert fitted[name].model == fit(own)


def test_one_term_by_hand(firm: Asker) -> None:
    """ARPA × the months that the model lets expect, each paid at its beginning and discounted by a month's part of a year's 10 %."""
    answers = told(firm, "term")
    model, discount = terms(firm, asked())["month"].model, 1.1 ** (1 / 12) - 1
    assert model is not None
    months, share = 0.0, 1.0
    for month in range(3000):
        months += share / (1 + discount) ** month
        share *= model.rate(month + 1)
    fitted = answers[FITTED]["month"]
    (mrr, customers) = (answer.value for answer in firm.ask(Question(("mrr", "customers"), (YEAR,), (), (("term", ("month",)),))))
    assert fitted.parts["arpa"] == Decimal(mrr or 0) / Decimal(customers or 1)
    assert isclose(number(fitted.parts["lifetime_months"]), months, rel_tol=1e-9)
    assert isclose(number(fitted.value), number(fitted.parts["arpa"]) * months, rel_tol=1e-9)
    assert number(fitted.low) < number(fitted.value) < number(fitted.high)
    (naive,) = firm.ask(Question((NAIVE,), (YEAR,), (), (("term", ("month",)),)))
    assert answers[NAIVE]["month"].value == naive.value


def test_a_year_paid_in_advance_counts_twelve_months_at_once(firm: Asker) -> None:
    model = terms(firm, asked())["year"].model
    assert model is not None
    fitted = told(firm, "term")[FITTED]["year"]
    assert isclose(number(fitted.parts["lifetime_months"]), 12 * model.terms(0.1), rel_tol=1e-12)


def test_the_whole_is_its_terms_by_their_mrr(firm: Asker) -> None:
    whole, parts = told(firm), told(firm, "term")
    mrr = {answer.segment["term"]: number(answer.value) for answer in firm.ask(Question(("mrr",), (YEAR,), ("term",)))}
    for metric in (FITTED, BASE):
        expected = sum(mrr[term] * number(parts[metric][term].parts["lifetime_months"]) for term in mrr) / sum(mrr.values())
        assert isclose(number(whole[metric][""].parts["lifetime_months"]), expected, rel_tol=1e-9)
    assert isclose(number(whole[BASE][""].value), sum(number(parts[BASE][term].value) for term in mrr), rel_tol=1e-9)
    down = [mrr[term] / sum(mrr.values()) * (number(a.value) - number(a.low)) / number(a.parts["arpa"]) for term, a in parts[FITTED].items()]
    found = whole[FITTED][""]
    assert isclose((number(found.value) - number(found.low)) / number(found.parts["arpa"]), sqrt(sum(d * d for d in down)), rel_tol=1e-6)


def test_the_base_is_worth_what_its_customers_will_still_pay(firm: Asker) -> None:
    term = terms(firm, asked())["year"]
    assert term.model is not None
    ahead = sum(n * term.model.residual(0.1, age) for age, n in term.lives.open.items()) / sum(term.lives.open.values())
    found = told(firm, "term")[BASE]["year"]
    assert isclose(number(found.parts["lifetime_months"]), 12 * ahead / sqrt(1.1), rel_tol=1e-9)
    assert isclose(number(found.value), number(found.parts["mrr"]) * 12 * ahead / sqrt(1.1), rel_tol=1e-9)


def test_a_channel_that_loses_its_customers_is_seen(firm: Asker) -> None:
    answers = told(firm, "channel")[FITTED]
    speeds = {channel: number(answer.parts["relative_churn"]) for channel, answer in answers.items()}
    assert speeds["Display"] > 1.5 > 1 > max(speeds["Email"], speeds["Referral"])
    assert number(answers["Display"].value) < 0.6 * number(answers["Referral"].value)
    assert number(answers["Email"].parts["arpa"]) == 20
    for answer in answers.values():
        assert number(answer.low) < number(answer.value) < number(answer.high)


def test_a_channels_speed_makes_its_losses_likeliest(firm: Asker) -> None:
    question = asked("channel", "term")
    fitted = terms(firm, question)
    since_all = Period(date(2021, 1, 1), YEAR.until)
    seen = lives(firm, replace(question, periods=(since_all,)), "tenure")[since_all]
    pairs = [(one, fitted[term].model) for (channel, term), one in seen.items() if channel == "Display"]
    known = [(one, model) for one, model in pairs if model]
    speed = number(told(firm, "channel")[FITTED]["Display"].parts["relative_churn"])

    def likelihood(factor: float) -> float:
        return sum(slowed(model, factor).likelihood(one) for one, model in known)

    assert max(likelihood(speed * step) for step in (0.9, 0.99, 0.999, 1.001, 1.01, 1.1)) < likelihood(speed)
    found = faster(known)
    assert found.value == pytest.approx(speed)
    for edge in (found.low, found.high):
        assert likelihood(edge) == pytest.approx(likelihood(speed) - 3.841458820694124 / 2, abs=1e-6)


def test_a_filter_gives_the_segments_row(firm: Asker) -> None:
    rows, filtered = told(firm, "channel"), told(firm, where=(("channel", ("Email",)),))
    for metric in (NAIVE, FITTED, BASE):
        row, one = rows[metric]["Email"], filtered[metric][""]
        assert (one.value, one.low, one.high, dict(one.parts)) == (row.value, row.low, row.high, dict(row.parts))


def test_a_gross_margin_and_a_higher_discount_lower_it(firm: Asker, tmp_path: Path) -> None:
    plain, dear = told(firm)[FITTED][""], told(firm, discount=0.3)[FITTED][""]
    assert number(dear.value) < number(plain.value)
    other = project(tmp_path, made_up(Random(5)), replace(company(), gross_margin=Decimal("0.8")), today=date(2025, 1, 15))
    margin = told(other)[FITTED][""]
    for one, other_one in ((margin.value, plain.value), (margin.low, plain.low), (margin.high, plain.high)):
        assert isclose(number(one), 0.8 * number(other_one), rel_tol=1e-12)


def test_the_check_counts_what_came(firm: Asker) -> None:
    """By hand: the lives as they stood eleven months before (a quarter of 47), and who of those then there had left by the end."""
    check = foretold(firm, asked(), terms(firm, asked())["month"])
    edge = date(2024, 2, 1)
    assert (check.known, check.then) == (Period(date(2021, 1, 4), edge), Period(edge, YEAR.until))
    # Who leaves on the day after the month's last has been there for all of it.
    there = [(first, ends) for first, ends in spells("month") if first < edge and (ends is None or ends >= edge)]
    assert check.customers == len(there)
    assert check.lost == sum(1 for _, ends in there if ends is not None and ends < YEAR.until)
    known = lives_by_hand(spells("month"), edge)
    model, constant = fit(known), known.losses / sum(at_risk for _, at_risk, _ in known.faced)
    assert check.fitted == pytest.approx(sum(n * (1 - model.survival(age + 11, age)) for age, n in known.open.items()))
    assert check.naive == pytest.approx(len(there) * (1 - (1 - constant) ** 11))


# Refusals ----------------------------------------------------------------------------------------------------------------

HEAD = "subscription_id,account_id,starts_on,ends_on,amount,currency,interval\n"


def crowd(prefix: str, count: int, lost: int, interval: str = "month", starts: str = "2024-01-01", amount: int = 10) -> str:
    """So many customers, of whom some leave, one a month from the second on."""
    ends = [str(add_months(date.fromisoformat(starts), 1 + n % 6)) for n in range(lost)] + [""] * (count - lost)
    return "".join(f"{prefix}{n},{prefix}{n},{starts},{end},{amount},EUR,{interval}\n" for n, end in enumerate(ends))


def small(folder: Path, rows: str, people: str = "") -> Asker:
    tables = {"subscriptions": HEAD + rows, "spend": "day,amount,currency\n2024-12-31,1,EUR"}
    if people:
        tables["people"] = f"person_id,account_id,channel\n{people}"
    return project(folder, tables, today=date(2025, 1, 15))


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (crowd("a", 40, 20), "by month 40 customers are too few: 50 are needed"),
        (crowd("a", 100, 4), "by month 4 lost customers are too few: 10 are needed"),
        (crowd("a", 100, 0, "year", amount=120) + crowd("b", 60, 30), "by year 0 lost customers are too few: 10 are needed"),
        (crowd("a", 100, 60, starts="2024-11-10"), "by month customers have faced 1 renewal so far, and 3 are needed"),
    ],
    ids=["customers", "losses", "a term", "renewals"],
)
def test_too_little_is_refused_with_its_reason(rows: str, why: str, tmp_path: Path) -> None:
    answers = told(small(tmp_path, rows))
    for metric in (FITTED, BASE):
        answer = answers[metric][""]
        assert (answer.value, answer.low, answer.high) == (None, None, None)
        assert why in answer.notes
    assert number(answers[FITTED][""].parts["arpa"]) == 10


def test_a_small_term_goes_with_the_others(tmp_path: Path) -> None:
    rows = crowd("a", 200, 60) + crowd("q", 3, 0, "quarter", amount=30)
    found = told(small(tmp_path, rows))[FITTED][""]
    alone = told(small(tmp_path / "alone", crowd("a", 200, 60)))[FITTED][""]
    assert found.value == alone.value
    assert any("customers by quarter are too few to tell" in note for note in found.notes)


def test_a_small_segment_is_refused_and_a_larger_one_answered(tmp_path: Path) -> None:
    rows = crowd("a", 150, 60) + crowd("b", 30, 3)
    people = "".join(f"pa{n},a{n},Email\n" for n in range(150)) + "".join(f"pb{n},b{n},Referral\n" for n in range(30))
    answers = told(small(tmp_path, rows, people), "channel")[FITTED]
    assert answers["Email"].value is not None
    assert answers["Referral"].value is None
    assert "3 lost customers are too few to tell how long these stay: 5 are needed" in answers["Referral"].notes


def test_a_channel_whose_customers_all_left_has_a_row(tmp_path: Path) -> None:
    rows = crowd("a", 150, 60) + crowd("b", 12, 12, starts="2024-03-01")
    people = "".join(f"pa{n},a{n},Email\n" for n in range(150)) + "".join(f"pb{n},b{n},Display\n" for n in range(12))
    answers = told(small(tmp_path, rows, people), "channel")
    assert {channel: answer.value for channel, answer in answers[FITTED].items() if channel == "Display"} == {"Display": None}
    assert answers[FITTED]["Display"].notes
    assert answers[BASE]["Display"].value is None


def test_a_channel_whose_customers_all_left_and_returned(tmp_path: Path) -> None:
    """They are lost, all of them at the first renewal: who returned is there, and nothing is left to expect."""
    rows = crowd("a", 150, 60) + "".join(f"b{n},b{n},2024-03-01,2024-04-01,10,EUR,month\nb{n},b{n},2024-12-01,,10,EUR,month\n" for n in range(12))
    people = "".join(f"pa{n},a{n},Email\n" for n in range(150)) + "".join(f"pb{n},b{n},Display\n" for n in range(12))
    answers = told(small(tmp_path, rows, people), "channel")
    for metric in (FITTED, BASE):
        found = answers[metric]["Display"]
        assert 0 <= number(found.low) <= number(found.value) <= number(found.high)
        assert number(found.value) < number(answers[metric]["Email"].value)
    assert number(answers[FITTED]["Display"].parts["relative_churn"]) > 5


def test_without_subscriptions_nothing_is_told(tmp_path: Path) -> None:
    asker = project(tmp_path, {"spend": "day,amount,currency\n2024-12-31,1,EUR"})
    with pytest.raises(FariError, match="no source covers subscriptions"):
        terms(asker, asked())


def test_what_cannot_be_split_is_refused(firm: Asker) -> None:
    for by in ("device", "content", "age", "churn_reason"):
        with pytest.raises(FariError, match=by):
            told(firm, by)


TWO = "customers have faced 2 renewals so far, and 3 are needed"


def test_a_check_without_a_past_says_so(tmp_path: Path) -> None:
    for folder, rows, why in (
        ("few", crowd("a", 60, 4), "by month 4 lost customers are too few: 10 are needed"),
        ("fewer before", crowd("a", 100, 12), ""),
        (
            "none before",
            crowd("a", 60, 30, starts="2024-09-01"),
            "by month, at the end of 2024-11, customers have faced 2 renewals so far, and 3 are needed",
        ),
    ):
        asker = small(tmp_path / folder, rows)
        (term,) = terms(asker, asked()).values()
        check = foretold(asker, asked(), term)
        assert check.why == why, folder
        assert (check.known is None) == bool(why)


def test_terms_in_months() -> None:
    assert [months_of(term) for term in ("month", "quarter", "year", "6 months", "(not set)")] == [1, 3, 12, 6, 1]
