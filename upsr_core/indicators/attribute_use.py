"""What an attribute is good for: the criteria of the paper's Table 1 in bands, and the use that follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from upsr_core.indicators.result import IndicatorResult

BOTH, TUNING, DISCARD = "pre-training and tuning", "tuning only", "discard"
LONG = 40  # tokens: the paper's cap of an item
# Where low ends and high begins. Familiarity: between names and codes on the one hand, prose and titles on the other,
# read by the embedded model on the sample and six shops. Sense: two words of one language are 0, one word is 1.
BANDS = {"familiarity": (0.35, 0.5), "sense": (0.5, 0.7), "defects": (1 / 3, 2 / 3)}
USE_RULE = (
    "Discard: familiarity low, and defects or conflict high or more than half of the items above 40 tokens. "
    "Pre-training and tuning: familiarity high, sense high or unknown, defects or conflict not high, at most half of "
    "the items above 40 tokens. Otherwise tuning."
)


@dataclass(frozen=True)
class Criteria:
    """What is known of an attribute alone; NaN where it is not known.

    Attributes
    ----------
    familiarity
        The indicator's value.
    sense
        1 - the mean sense shift of its words between domains, a part of domain consistency. The other parts tell topics
        apart, or need shared values, so that they cannot compare attributes of different kinds.
    defects
        The share of items that have a defect inside the value, or an equal value whose company in behaviour is another:
        1 - (1 - in values) (1 - identical x conflict).
    over_40
        The share of items whose text is longer than 40 tokens.
    """

    familiarity: float
    sense: float
    defects: float
    over_40: float

    @classmethod
    def of(cls, familiarity: float | None, results: Mapping[str, IndicatorResult]) -> "Criteria":
        """From the results of noise, conflict and length of the attribute alone, and of consistency if there is one."""
        noise, length, shared = results["noise"], results["length"], results.get("domain_consistency")
        shift = shared.facts.get("sense_shift") if shared else None
        defects = over = np.nan
        if noise.value is not None and length.value is not None:
            clash = noise.facts["components"]["identical"] * (results["conflict"].value or 0.0)
            defects = 1 - (1 - noise.facts["in_values"]) * (1 - clash)
            over = length.facts["attributes"][0]["over_40"]
        known = np.nan if familiarity is None else familiarity
        return cls(known, np.nan if shift is None else 1 - shift, defects, over)


def band(name: str, value: float) -> str:
    """The band of a value among BANDS; "" for NaN.

    >>> band("familiarity", 0.15), band("familiarity", 0.5), band("sense", np.nan)
    ('low', 'high', '')
    """
    low, high = BANDS[name]
    return "" if not np.isfinite(value) else "low" if value < low else "medium" if value < high else "high"


def use_of(criteria: Criteria) -> tuple[str, str]:
    """The suggested use of an attribute and the reason, by USE_RULE.

    >>> use_of(Criteria(familiarity=0.15, sense=np.nan, defects=0.3, over_40=0.0))
    ('tuning only', 'familiarity low')
    """
    if not np.isfinite(criteria.familiarity):
        return DISCARD, "no item has a value"
    known, sense, defects = (band(name, getattr(criteria, name)) for name in BANDS)
    against = [f"familiarity {known}"] if known != "high" else []
    bad = ["defects or conflict high"] if defects == "high" else []
    if criteria.over_40 > 0.5:
        bad.append(f"{criteria.over_40:.0%} of the items above {LONG} tokens")
    if known == "low" and bad:
        return DISCARD, ", ".join(against + bad)
    against += [f"sense {sense}"] if sense in ("low", "medium") else []
    if against or bad:
        return TUNING, ", ".join(against + bad)
    unknown = "" if sense else "; whether its words mean the same in other domains is unknown"
    return BOTH, f"familiarity {known}, defects or conflict {defects}{unknown}"
