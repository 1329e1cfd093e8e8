"""A comparison in words."""

from __future__ import annotations

from mtf.contracts.report import Comparison
from mtf_evaluation import numerals

RAREST = 1e-9


def sentence(one: Comparison) -> str:
    """What the difference is, how far it is known, how often chance alone would make one as large; then what else the test says."""
    if one.value is None or one.baseline_value is None or one.difference is None:
        return f"{one.metric} cannot be compared with {one.baseline}: {one.undefined or 'it is undefined'}."
    head = f"{one.metric} is {one.value:.4g}{f' for {one.run}' if one.run else ''}, and {one.baseline_value:.4g} for {one.baseline}"
    if not one.paired:
        head += f", on other rows ({one.n:,} and {one.n_baseline or 0:,})"
    if one.test_method == "identical" or (one.difference == 0 and one.p_value == 1):
        return " ".join([f"{head}: no difference.", *_reach(one)])
    if one.lower is None or one.upper is None or one.p_value is None:
        return f"{head}: a difference of {one.difference:+.3g}; {one.reason or 'there is no paired test for this metric'}."
    level = f"{one.level:.0%}" if one.level is not None else "the"
    said = (
        f"{head}: a difference of {one.difference:+.3g} ({level} interval {one.lower:+.3g} to {one.upper:+.3g}). "
        f"If both were equally good, a difference this large would appear in {odds(one.p_value)} test sets."
    )
    return " ".join([said, *_more(one), *_reach(one)])


def _more(one: Comparison) -> list[str]:
    """The extra test, the correction where it changes the answer, and what makes the numbers doubtful."""
    said = []
    if one.discordant is not None and one.mid_p is not None:
        said.append(f"The models differ on {one.discordant:,} rows; McNemar's mid-p is {one.mid_p:.3g}.")
    alpha = 1 - (one.level or 0.95)
    if one.tests > 1 and one.p_value is not None and one.p_adjusted is not None and one.p_value < alpha <= one.p_adjusted:
        said.append(f"It does not stand once all {one.tests} tests are counted (adjusted p {one.p_adjusted:.2g}).")
    if not one.reliable and one.reason:
        said.append(f"This cannot be relied on: {one.reason}.")
    return said


def _reach(one: Comparison) -> list[str]:
    """Of a difference that is not settled: what these rows could have shown, and how many would settle it."""
    if one.minimum_detectable is None or one.lower is None or one.upper is None or not one.lower <= 0 <= one.upper:
        return []
    said = f"80 of 100 test sets like this one would show a true difference of {one.minimum_detectable:.2g}"
    if one.rows_needed is None:
        return [f"{said}."]
    return [f"{said}; if this one stays as it is, about {numerals.about(one.rows_needed)} rows settle it."]


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
