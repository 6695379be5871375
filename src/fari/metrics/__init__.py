"""Every metric, found by importing the family modules of this package."""

import importlib
import pkgutil

from fari.metrics.kinds import DIMENSIONS, METRICS

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

_ORDER = """visitors visits pageviews signups leads mqls sqls opportunities new_customers visitor_to_lead_rate lead_to_mql_rate
mql_to_sql_rate sql_to_customer_rate mql_to_customer_rate lead_conversion_rate lead_conversion_rate_cohort
visitor_to_signup_rate signup_to_customer_rate customers churned_customers
reactivated_customers customer_churn_rate annual_churn_rate churned_to_new_ratio customer_lifetime_months mrr new_mrr
expansion_mrr contraction_mrr churned_mrr reactivation_mrr arpa arr expansion_share gross_revenue_churn_rate
net_revenue_churn_rate nrr grr quick_ratio spend acquisition_spend media_spend cac cac_media cac_paid cost_per_lead cost_per_mql cost_per_sql
cost_per_signup cac_payback_months clv clv_cac_ratio roi renewals_due renewal_rate
pipeline_value weighted_pipeline pipeline_created trial_conversion_rate share_of_search""".split()


def listed() -> list[str]:
    """The metrics a question without names asks for: the contract's, in its order, then any other that is listed."""
    others = [name for name, metric in METRICS.items() if metric.listed and name not in _ORDER]
    return [*_ORDER, *others]


__all__ = ["DIMENSIONS", "METRICS", "listed"]
