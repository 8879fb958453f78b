"""A score taken apart: into tokens, into attributes, and the difference of two candidates attribute by attribute."""

import numpy as np
import pandas as pd

from upsr_core.explain.instance import PRIOR
from upsr_core.models.token_scores import TokenScores
from upsr_core.text.tokenizer import readable


def token_parts(scored: TokenScores, candidate: int, middle: float = 0.0) -> pd.DataFrame:
    """One row per token of a candidate's text; `part` sums to its score, `lift` to its score above `middle`; without
    what a score has beside its text.

    Columns: token (as people read it), attribute, logprob (nats, given the history), unconditional (given none; zero
    where the score does not take it away), value (their difference), part (value over the number of tokens), lift
    (the same of the value above `middle`).
    """
    start, end = scored.logprobs.offsets[candidate : candidate + 2]
    item = scored.texts.item(candidate)
    names = np.array(scored.texts.design.attributes)
    table = pd.DataFrame(
        {
            "token": readable(scored.texts.tokenizer.tokens(item.ids.tolist())),
            "attribute": names[item.owner],
            "logprob": scored.logprobs.values[start:end].astype(np.float64),
            "unconditional": scored.unconditional[start:end],
        }
    )
    table["value"] = table.logprob - table.unconditional
    table["part"] = table.value / len(table)
    table["lift"] = (table.value - middle) / len(table)
    return table


def attribute_parts(scored: TokenScores) -> pd.DataFrame:
    """One row per candidate and attribute of its text, in the design's order; `part` sums to the candidate's score,
    without what it has beside its text.

    Columns: candidate, attribute, tokens, part, mean (value per token of this attribute).
    """
    offsets, names = scored.logprobs.offsets, scored.texts.design.attributes
    lengths = np.diff(offsets)
    candidate = np.repeat(np.arange(len(lengths)), lengths)
    owner = scored.texts.owner[: offsets[-1]].astype(np.int64)
    table = pd.DataFrame({"candidate": candidate, "owner": owner, "value": scored.values})
    table = table.groupby(["candidate", "owner"], as_index=False).value.agg(["sum", "size"])
    part = table["sum"] / lengths[table.candidate]
    return pd.DataFrame(
        {
            "candidate": table.candidate,
            "attribute": np.array(names)[table.owner],
            "tokens": table["size"],
            "part": part,
            "mean": table["sum"] / table["size"],
        }
    )


def sum_error(scored: TokenScores) -> float:
    """The largest distance, over all candidates, of the sum of an item's parts from its score."""
    offsets, lengths = scored.logprobs.offsets, np.diff(scored.logprobs.offsets)
    by_token = np.add.reduceat(scored.values / np.repeat(lengths, lengths), offsets[:-1])
    by_attribute = attribute_parts(scored).groupby("candidate").part.sum().to_numpy()
    said = scored.scores - scored.beside
    return float(max(np.abs(by_token - said).max(), np.abs(by_attribute - said).max()))


def difference(scored: TokenScores, a: int, b: int) -> pd.DataFrame:
    """score(a) - score(b), attribute by attribute, in the design's order; `difference` sums to the whole.

    A score is a mean over tokens. With the middle r of the two scores, an attribute with n of the N tokens of a text
    and the mean value m a token lifts its score above r by n / N (m - r), and `difference` is that of a minus that of
    b: an attribute that lies at r, or is not there, counts nothing. It has two sources, whose sum it is (Kitagawa,
    Journal of the American Statistical Association, 1955): `wording`, how much better the attribute's own tokens are
    predicted, and `length`, how much more of the text it takes while its tokens lie above or below r. What the scores
    have beside the texts is a last row, PRIOR, if they have any.

    Columns: attribute, tokens_a, tokens_b, part_a, part_b (these sum to the two scores), mean_a, mean_b (NaN where
    it is not there), lift_a, lift_b (n / N (m - r)), wording, length, difference.
    """
    parts = attribute_parts(scored)
    sides = [
        parts[parts.candidate == place].set_index("attribute")[["tokens", "part", "mean"]].add_suffix(suffix)
        for place, suffix in ((a, "_a"), (b, "_b"))
    ]
    table = sides[0].join(sides[1], how="outer")
    table = table.reindex([name for name in scored.texts.design.attributes if name in table.index])
    for name in ("tokens_a", "tokens_b"):
        table[name] = table[name].fillna(0).astype(int)
    table[["part_a", "part_b"]] = table[["part_a", "part_b"]].fillna(0.0)
    middle = middle_of(scored, a, b)
    share_a, share_b = (table[name] / table[name].sum() for name in ("tokens_a", "tokens_b"))
    table["lift_a"], table["lift_b"] = table.part_a - share_a * middle, table.part_b - share_b * middle
    # Where one text lacks the attribute there is no wording to compare, only its place in the text.
    mean_a, mean_b = table.mean_a.fillna(table.mean_b), table.mean_b.fillna(table.mean_a)
    table["wording"] = (share_a + share_b) / 2 * (mean_a - mean_b)
    table["length"] = (share_a - share_b) * ((mean_a + mean_b) / 2 - middle)
    table["difference"] = table.wording + table.length
    order = ["tokens", "part", "mean", "lift"]
    order = [f"{name}_{side}" for name in order for side in "ab"] + ["wording", "length", "difference"]
    table = table[order].rename_axis("attribute").reset_index()
    if not scored.beside.any():
        return table
    of_a, of_b = scored.beside[[a, b]]
    prior = {"tokens_a": 0, "tokens_b": 0, "part_a": of_a, "part_b": of_b, "lift_a": of_a, "lift_b": of_b}
    prior |= {"mean_a": np.nan, "mean_b": np.nan, "wording": 0.0, "length": 0.0, "difference": of_a - of_b}
    return pd.concat([table, pd.DataFrame([{"attribute": PRIOR, **prior}])[table.columns]], ignore_index=True)


def middle_of(scored: TokenScores, a: int, b: int) -> float:
    """The middle of two candidates' scores without what they have beside their texts; `difference` counts from it."""
    said = scored.scores - scored.beside
    return float(said[a] + said[b]) / 2


def largest(table: pd.DataFrame) -> str:
    """The attribute with the largest share of a difference, as `difference` gives it."""
    return str(table.attribute[table.difference.abs().idxmax()])
