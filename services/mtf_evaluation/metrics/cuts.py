"""Where a threshold cuts the ranked rows, with tied rows split by expectation, and how a share above the cut varies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.facts import Facts
from mtf_evaluation.metrics.ranking import Ranked, Ranking

Kind = Literal["all", "positive", "negative"]
TOLERANCE = 1e-12
"""Of the whole weight: two sums of the same weights in another order are equal."""


@dataclass(frozen=True)
class Cut:
    """A threshold in the ranked rows: whole tie groups lie above it, and a part of one.

    The order within a tie group is unknown, so that each of its rows lies above the cut with the same chance: what a random order gives
    on average.
    """

    above: Floats
    """(g,) share of each tie group above the cut, in ascending order of the score."""
    at: int
    """The tie group at the cut."""
    ranking: Ranking

    def mass(self, kind: Kind) -> float:
        """Weight above the cut."""
        return float(of_kind(self.ranking, kind) @ self.above)

    def positives_near(self) -> float:
        """Share of positives among the rows next to the cut, which decides how much a moved cut costs.

        The tie group at the cut itself where it has rows enough, else the same number of rows on either side (whole tie groups, so that the
        order of rows means nothing). That number grows like n^(4/5), which balances bias and variance of a local mean.
        """
        ranking = self.ranking
        n = ranking.score.size
        last = np.arange(n) if ranking.ends is None else ranking.ends
        start, end = (int(last[self.at - 1]) + 1 if self.at else 0), int(last[self.at]) + 1
        wanted = max(5, round(n**0.8 / 4))
        left, right = self.at, self.at
        if end - start < wanted:
            half = max(1, min(wanted, start, n - end))
            left = int(np.searchsorted(last, max(start - half, 0)))
            right = int(np.searchsorted(last, min(end - 1 + half, n - 1)))
        own_p, own_n = ranking.own
        positives, negatives = float(own_p[left : right + 1].sum()), float(own_n[left : right + 1].sum())
        rows = int(last[right]) + 1 - (int(last[left - 1]) + 1 if left else 0)
        one = (positives + negatives) / rows
        return (positives + one / 2) / (positives + negatives + one)


def of_kind(ranking: Ranking, kind: Kind) -> Floats:
    """(g,) weight of the rows of a kind in each tie group."""
    positives, negatives = ranking.own
    return positives if kind == "positive" else negatives if kind == "negative" else positives + negatives


def _upto(ranking: Ranking, kind: Kind) -> Floats:
    """(g,) the same, added up from the lowest score."""
    positives, negatives = ranking.upto
    return positives if kind == "positive" else negatives if kind == "negative" else positives + negatives


def total(ranking: Ranking, kind: Kind) -> float:
    """Weight of all rows of a kind."""
    positives, negatives = ranking.totals
    return positives if kind == "positive" else negatives if kind == "negative" else positives + negatives


def cut(ranking: Ranking, kind: Kind, share: float, *, furthest: bool = False) -> Cut:
    """The cut with a share of the rows of a kind above it.

    Args:
        ranking: The rows.
        kind: Which rows are counted.
        share: Between 0 and 1.
        furthest: Where several cuts have the same share above them, the lowest one instead of the highest.
    """
    upto, whole = _upto(ranking, kind), total(ranking, kind)
    below, slack = (1 - share) * whole, TOLERANCE * whole
    at = int(np.searchsorted(upto, below - slack) if furthest else np.searchsorted(upto, below + slack, side="right"))
    at = min(at, upto.size - 1)
    own = float(upto[at] - (upto[at - 1] if at else 0.0))
    part = float(np.clip((float(upto[at]) - below) / own, 0.0, 1.0)) if own > slack else 1.0
    above = np.zeros(upto.size)
    above[at + 1 :] = 1.0
    above[at] = part
    return Cut(above, at, ranking)


@dataclass(frozen=True)
class Placed:
    """A value at a cut, and the two ways in which it varies: by the rows above a fixed cut, and by the cut itself."""

    value: float
    moved: Ranked
    """Influence values at a fixed threshold."""
    axis: Ranked
    """The share that decides the cut, with the influence values of that share at a fixed threshold."""
    slope: float
    """How fast the value changes with that share."""
    along: Callable[[float], float]
    """The value that a cut at another share has in these rows."""

    @property
    def whole(self) -> Ranked:
        """Influence values of the value itself: the cut moves against the share."""
        of_positive = self.moved.of_positive - self.slope * self.axis.of_positive
        return Ranked(self.value, of_positive, self.moved.of_negative - self.slope * self.axis.of_negative)


def _axis(found: Cut, by: Kind, share: float) -> Ranked:
    deviation = (found.above - share) * (total(found.ranking, "all") / total(found.ranking, by))
    zero = np.zeros_like(deviation)
    return Ranked(share, zero if by == "negative" else deviation, zero if by == "positive" else deviation)


def _mass_along(found: Cut, of: Kind, by: Kind) -> Callable[[float], float]:
    """Share of the rows `of` a kind above a cut, by the share of the rows of the kind `by` there."""
    ranking = found.ranking

    def mass(share: float) -> float:
        upto, other = _upto(ranking, by), _upto(ranking, of)
        below = (1 - share) * total(ranking, by)
        at = min(int(np.searchsorted(upto, below)), upto.size - 1)
        before, under = (float(upto[at - 1]), float(other[at - 1])) if at else (0.0, 0.0)
        own = float(upto[at]) - before
        part = min(max((below - before) / own, 0.0), 1.0) if own > 0 else 1.0
        return 1 - (under + part * (float(other[at]) - under)) / total(ranking, of)

    return mass


def share_above(found: Cut, *, of: Kind, by: Kind, share: float) -> Placed:
    """Share of the rows `of` a kind above the cut that leaves a `share` of the rows of the kind `by` there."""
    ranking = found.ranking
    value = found.mass(of) / total(ranking, of)
    near = found.positives_near()
    density = {"positive": near, "negative": 1 - near, "all": 1.0}
    slope = (density[of] / total(ranking, of)) / (density[by] / total(ranking, by))
    deviation = (found.above - value) * (total(ranking, "all") / total(ranking, of))
    zero = np.zeros_like(deviation)
    moved = Ranked(value, zero if of == "negative" else deviation, zero if of == "positive" else deviation)
    return Placed(value, moved, _axis(found, by, share), slope, _mass_along(found, of, by))


def precision_above(found: Cut, share: float) -> Placed:
    """Share of positives among the rows above the cut that leaves a `share` of all rows there."""
    value = found.mass("positive") / found.mass("all")
    moved = Ranked(value, found.above * ((1 - value) / share), found.above * (-value / share))
    mass = _mass_along(found, "positive", "all") if found.ranking.totals[0] else lambda _: 0.0
    positives = found.ranking.totals[0] / total(found.ranking, "all")
    return Placed(
        value, moved, _axis(found, "all", share), (found.positives_near() - value) / share, lambda at: min(mass(at) * positives / at, 1.0)
    )


def effective_rows(facts: Facts, found: Cut, kind: Kind) -> tuple[float, float]:
    """Effective rows of a kind above and below the cut: Kish's number, or groups where they are fewer."""
    design = facts.design
    if design.simple:
        above = found.mass(kind)
        return above, total(found.ranking, kind) - above
    upper = found.ranking.spread(Ranked(0.0, found.above, found.above)) > 0
    chosen = np.ones(upper.size, dtype=np.bool_) if kind == "all" else (facts.sample.target == 1) == (kind == "positive")
    above, below = (min(design.kish_of(side & chosen), float(design.groups_of(side & chosen))) for side in (upper, ~upper))
    return above, below
