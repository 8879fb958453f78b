"""A score as a sum over the tokens of a text: what a model that scores texts can be taken apart into. No torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from upsr_core.text.render import ItemTexts

if TYPE_CHECKING:
    from upsr_core.likelihood.candidate_scorer import TokenLogProbs


@dataclass(frozen=True)
class TokenScores:
    """What UPSR makes of an instance.

    `logprobs` are of every token of the c candidates given the history; `unconditional` of the same tokens given
    none, zero where the score does not need them (n_tokens,). `beside` is what the scores have that no text says (c,).
    The texts are the first c of `texts`. `dropped` items of the history fell off the prompt.
    """

    texts: ItemTexts
    logprobs: "TokenLogProbs"
    unconditional: np.ndarray
    beside: np.ndarray
    dropped: int

    @property
    def values(self) -> np.ndarray:
        """What each token adds to its text's sum (n_tokens,), in double precision."""
        return self.logprobs.values.astype(np.float64) - self.unconditional

    @property
    def scores(self) -> np.ndarray:
        """Scores (c,), as every ranking of the product takes them."""
        offsets = self.logprobs.offsets
        base = np.add.reduceat(self.unconditional, offsets[:-1])
        return (self.logprobs.sums() - base) / np.diff(offsets) + self.beside
