"""The error by part of each column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtf_evaluation import numerals
from mtf_evaluation.figures import lanes
from mtf_evaluation.figures.lanes import Lane, Mark
from mtf_evaluation.figures.svg import Figure, Table


def errors(data: Mapping[str, Any]) -> list[Figure]:
    """A figure for each column."""
    return [_column(data, one, index) for index, one in enumerate(data["columns"])]


def _column(data: Mapping[str, Any], column: Mapping[str, Any], index: int) -> Figure:
    whole, measure = data["all"], data["measure"]
    share = measure == "share of wrong rows"
    found = [_lane("all rows", whole, share=share, strong=True), *(_lane(one["label"], one, share=share) for one in column["parts"])]
    band = None if whole["lower"] is None or whole["upper"] is None else (whole["lower"], whole["upper"])
    drawing = lanes.picture(found, f"Error by {column['column']}", measure, guide=whole["value"], band=band, percent=share)
    rows = [[lane.name, lane.numbers, f"{one['rows']:,}"] for lane, one in zip(found, [whole, *column["parts"]], strict=True)]
    caption = f"{measure.capitalize()} with {data['level'] * 100:g} % intervals; the band is that of all rows."
    if column["numbers"]:
        caption += " Many numbers are cut into parts of nearly equal numbers of rows."
    if column["left_out"]:
        caption += f" {numerals.count(column['left_out'], 'rarer value')} not shown."
    return Figure(f"error-{index}", f"Error by {column['column']}", caption, drawing, [Table([column["column"], measure, "rows"], rows)])


def _lane(name: str, one: Mapping[str, Any], *, share: bool, strong: bool = False) -> Lane:
    shown = _numbers(one, share=share)
    marks = [] if one["value"] is None else [Mark(one["value"], one["lower"], one["upper"], hollow=one["lower"] is None)]
    return Lane(name, shown, f"{name}: {shown}, {numerals.count(one['rows'], 'row')}", marks, strong)


def _numbers(one: Mapping[str, Any], *, share: bool) -> str:
    if one["value"] is None:
        return numerals.DASH
    if not share:
        return numerals.interval(one["value"], one["lower"], one["upper"])
    if one["lower"] is None:
        return f"{one['value']:.1%}"
    return f"{one['value']:.1%} ({one['lower']:.1%} to {one['upper']:.1%})"
