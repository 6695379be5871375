"""Accounts that are one because their people's business e-mail domains are equal."""

from pathlib import Path

from tests.projects import company, project, values


def test_a_person_that_is_its_own_customer_is_one_with_the_account_of_its_domain(tmp_path: Path) -> None:
    """Ann of Acme pays for herself, and Acme has an account: they are one customer, and her joining is an expansion."""
    tables = {
        "people": """
            person_id,email,account_id,created_at
            bob,bob@acme.test,acme,2025-01-01
            ann,ann@acme.test,,2025-01-02
        """,
        "subscriptions": """
            subscription_id,account_id,starts_on,ends_on,amount,currency,interval
            s1,acme,2025-01-05,,100,EUR,month
            s2,ann,2025-02-05,,30,EUR,month
        """,
        "rates": """
            day,currency,rate
            2025-03-31,USD,0.9
        """,
    }
    joined = project(tmp_path / "joined", tables, company(identity={"match_domains": True}))
    assert values(joined, "customers mrr new_customers expansion_mrr", "2025-02") == [1, 130, 0, 30]
    apart = project(tmp_path / "apart", tables)
    assert values(apart, "customers mrr new_customers expansion_mrr", "2025-02") == [2, 130, 1, 0]
