"""What one indicator says of a design: a number with its unit, what it is made of, and the items behind it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

# Title and unit of the value. Conflict is a part of noise and ambiguity, apart because it needs events.
INDICATORS: dict[str, tuple[str, str]] = {
    "naturalness": ("Naturalness", "perplexity"),
    "familiarity": ("Familiarity", "share of the bits of shuffled letters"),
    "domain_consistency": ("Domain consistency", "score from 0 to 1"),
    "informativeness": ("Informativeness", "bits"),
    "noise": ("Noise and ambiguity", "share of items"),
    "conflict": ("Conflict with behaviour", "share of pairs with one text"),
    "length": ("Text length", "tokens per item, before the cap"),
    "alignment": ("Behaviour alignment", "rank correlation"),
}
CHEAP = ("informativeness", "noise", "conflict", "length")
MODEL_BASED = ("naturalness", "familiarity", "domain_consistency", "alignment")


@dataclass(frozen=True)
class IndicatorResult:
    """One indicator of one design.

    Attributes
    ----------
    name, unit
        See INDICATORS.
    value
        None where it cannot be computed; `reason` then says why.
    low, high
        The 95 % interval where items are sampled.
    note
        Names the sample or the approximation.
    facts
        The components, JSON-able.
    tables
        The rows behind them; a column `item` is an item index.
    """

    name: str
    value: float | None
    unit: str
    reason: str = ""
    low: float | None = None
    high: float | None = None
    note: str = ""
    facts: dict = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, value: float | None, **rest: Any) -> "IndicatorResult":
        return cls(name, None if value is None else float(value), INDICATORS[name][1], **rest)

    @classmethod
    def impossible(cls, name: str, why: str, **rest: Any) -> "IndicatorResult":
        return cls(name, None, INDICATORS[name][1], reason=f"cannot be computed because {why}", **rest)

    def summary(self) -> dict:
        """A JSON-able record without the tables; what is not a finite number is null."""
        interval = None if self.low is None else [self.low, self.high]
        record = {"value": self.value, "unit": self.unit, "interval": interval, "note": self.note}
        return plain({**record, "reason": self.reason, **self.facts})


def plain(value: Any) -> Any:
    """A value as JSON knows it.

    >>> plain({"a": np.float64("nan"), "b": np.arange(2)})
    {'a': None, 'b': [0, 1]}
    """
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
