"""Which columns go into the model."""

from __future__ import annotations

import pytest

from mtf.errors import SpecError
from mtf_inference.matching import match


def test_names_decide_order_and_extras_are_ignored() -> None:
    """The model's order wins; what it has no use for is listed."""
    found = match(["c", "a"], 2, ["a", "b", "c"])
    assert (found.columns, found.ignored, found.by) == (["c", "a"], ["b"], "name")


def test_missing_names_are_listed_with_the_nearest() -> None:
    """A misspelt column is one glance away from its right name."""
    with pytest.raises(SpecError, match=r"`bill_length` \(nearest: `bill_lenght`\), `zzz`") as caught:
        match(["bill_length", "mass", "zzz"], None, ["bill_lenght", "mass"])
    assert [error.field for error in caught.value.errors] == ["bill_length", "zzz"]


def test_without_names_the_count_is_checked() -> None:
    """By order, and only when the number is right or unknown."""
    assert match(None, 2, ["x", "y"]).by == "order"
    assert match(None, None, ["x", "y"]).columns == ["x", "y"]
    with pytest.raises(SpecError, match="wants 3 features and carries no names; the data has 2"):
        match(None, 3, ["x", "y"])


def test_a_thousand_missing_names_make_a_short_message() -> None:
    """At most ten are spelt out."""
    with pytest.raises(SpecError) as caught:
        match([f"feature_{n}" for n in range(1000)], None, ["x"])
    assert "and 990 more" in caught.value.message
    assert len(caught.value.message) < 500
