"""A comparison in words."""

from __future__ import annotations

from mtf.contracts.report import Comparison

RAREST = 1e-9


def sentence(one: Comparison, note: str | None = None) -> str:
    """What the difference is, how far it is known, how often chance alone would make one as large; then what else the test says."""
    if one.value is None or one.baseline_value is None or one.difference is None:
        return f"{one.metric} cannot be compared with {one.baseline}: {one.undefined or 'it is undefined'}."
    head = f"{one.metric} is {one.value:.4g}, and {one.baseline_value:.4g} for {one.baseline}"
    if one.test_method == "identical" or (one.difference == 0 and one.p_value == 1):
        return f"{head}: no difference."
    if one.lower is None or one.upper is None or one.p_value is None:
        return f"{head}: a difference of {one.difference:+.3g}; {one.reason or 'there is no paired test for this metric'}."
    level = f"{one.level:.0%}" if one.level is not None else "the"
    return (
        f"{head}: a difference of {one.difference:+.3g} ({level} interval {one.lower:+.3g} to {one.upper:+.3g}). "
        f"If both were equally good, a difference this large would appear in {odds(one.p_value)} test sets."
    ) + (f" {note}." if note else "")


def odds(p: float) -> str:
    """A probability as a person says it: `1 of 10,000`, `3 of 100`."""
    if p < RAREST:
        return "fewer than 1 of 1,000,000,000"
    if p >= 0.1:  # noqa: PLR2004 - above it, out of a hundred says enough
        return f"{min(round(p * 100), 100)} of 100"
    if p >= 0.01:  # noqa: PLR2004 - as above
        return f"{round(p * 1000)} of 1,000"
    digits = max(0, len(str(int(1 / p))) - 2)
    return f"1 of {round(1 / p, -digits):,.0f}"
