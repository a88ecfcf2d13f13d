"""The rule book of the village that tests live in."""

from __future__ import annotations

from typing import Any

BOTH = ["merit", "spend"]


def rule(identifier: str, **fields: Any) -> dict[str, Any]:
    """A rule for persons that gives 200 in both units, unless ``fields`` say otherwise."""
    whole: dict[str, Any] = {
        "id": identifier,
        "type": "award",
        "name_zh": "规则",
        "name_en": identifier,
        "category": "service",
        "units": BOTH,
        "target": "person",
        **fields,
    }
    if whole["type"] == "redeem":
        return {"units_per_yuan": 100, **whole, "units": fields.get("units", ["spend"])}
    return {"points_units": 200, **whole}


RULES: dict[str, dict[str, Any]] = {
    one["id"]: one
    for one in (
        rule("volunteer"),
        rule("merit_only", units=["merit"], points_units=21_120),
        rule("helping", target="household", points_units=2000),
        rule("capped", caps={"day_units": 400, "month_units": 600, "year_units": 800}),
        rule("approved", approvals=1),
        rule("dated", backdating_days=30),
        rule("evident", evidence=["photo"]),
        rule("lapsing", expires_after_days=40),
        rule("budgeted", budget_units=600),
        rule("seasonal", valid_from="2021-03-01", valid_to="2021-10-31"),
        rule("burning", type="deduct", legal_basis="村规民约第五条", appeal_days=15),
        rule("fine", type="deduct", legal_basis="村规民约第六条", appeal_days=15, units=["spend"]),
        rule("exchange", type="redeem"),
        rule("house_exchange", type="redeem", target="household"),
        rule("share", type="redeem", bill_share_bp=3000),
        rule("careful", type="redeem", approvals=1, evidence=["goods"]),
        rule("prompt", type="redeem", backdating_days=1),
    )
}
BOOK: dict[str, Any] = {"book": "points", "version": 1, "title": "积分细则", "rules": list(RULES.values())}
