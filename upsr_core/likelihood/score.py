"""Named scores: what is made of a candidate's log-likelihood before candidates are ranked."""

from typing import Literal

import numpy as np

from upsr_core.schema import Spec


class ScoreSpec(Spec):
    """How a candidate's score follows from its text tokens' log-probabilities; higher is better.

    `perplexity` is the paper's (equation 2): the mean log P(text | history) over the text's N tokens, of which
    exp(-score) is the perplexity. `conditional` takes the unconditional likelihood away: the mean of
    log P(text | history) - log P(text | empty history), domain-conditional PMI (Holtzman et al., EMNLP 2021).
    Neither counts the sentinel nor the end token. Computed in `dtype`.
    """

    name: Literal["perplexity", "conditional"] = "perplexity"
    dtype: Literal["float32", "bfloat16"] = "float32"

    def apply(self, logprob: np.ndarray, tokens: np.ndarray, unconditional: np.ndarray) -> np.ndarray:
        """Scores (c,) from sums of log-probabilities (c,), token counts (c,) and sums without history (c,).

        >>> ScoreSpec().apply(np.array([-4.0]), np.array([2]), np.array([-6.0]))
        array([-2.])
        """
        base = unconditional if self.name == "conditional" else 0.0
        return (logprob - base) / tokens


SCORES = ("perplexity", "conditional")
