"""Every metric against the oracle, row by row, on random companies: in every split, over months, weeks, days, a quarter and odd stretches."""

import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.against_oracle import SPLITS, differences, imported
from tests.random_company import random_company

PERIODS = (
    (date(2024, 12, 1), date(2025, 1, 1)),
    (date(2025, 1, 1), date(2025, 2, 1)),
    (date(2025, 2, 1), date(2025, 3, 1)),
    (date(2025, 3, 1), date(2025, 4, 1)),
    (date(2025, 1, 1), date(2025, 4, 1)),
    (date(2025, 3, 24), date(2025, 3, 31)),
    (date(2025, 3, 30), date(2025, 3, 31)),
    (date(2024, 12, 15), date(2025, 4, 20)),
    (date(2025, 6, 1), date(2025, 7, 1)),
    (date(2024, 10, 1), date(2024, 11, 1)),
)
"""Whole months, a quarter, a week and a day with a change of clocks, a stretch cut anywhere, one that is not over, one before all data."""


@pytest.mark.parametrize("seed", range(8))
def test_every_metric_and_split_on_seeded_companies(seed: int, tmp_path: Path) -> None:
    company, tables = random_company(seed, 10)
    assert differences(company, tables, imported(company, tables, tmp_path), PERIODS) == []


_PHASES = (Phase.explicit, Phase.generate)
"""A company takes seconds to import: what fails is told as it was drawn, not made smaller first."""
_DAYS = st.integers(0, 240).map(lambda n: date(2024, 10, 15) + timedelta(days=n))


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=_PHASES)
@given(
    st.integers(100, 1_000_000),
    st.integers(1, 8),
    st.lists(st.tuples(_DAYS, st.integers(1, 70)), min_size=3, max_size=3),
    st.sampled_from(SPLITS[1:]),
)
def test_every_metric_on_any_company_over_any_stretches(seed: int, size: int, stretches: list[tuple[date, int]], split: tuple[str, ...]) -> None:
    company, tables = random_company(seed, size)
    periods = [(since, since + timedelta(days=length)) for since, length in stretches]
    with tempfile.TemporaryDirectory() as folder:
        asker = imported(company, tables, Path(folder))
        assert differences(company, tables, asker, periods, [(), split]) == []


def test_a_disagreement_would_be_seen(tmp_path: Path) -> None:
    company, tables = random_company(1, 10)
    asker = imported(company, tables, tmp_path)
    changed = {**tables, "subscriptions": [{**row, "amount": "123456.78"} for row in tables["subscriptions"]]}
    assert any(line.startswith("mrr ") for line in differences(company, changed, asker, PERIODS[:5], [()]))
