"""Named scores: what is made of a candidate's log-likelihood before candidates are ranked."""

from typing import Literal, get_args

import numpy as np

from upsr_core.schema import Spec

Score = Literal["perplexity", "conditional", "posterior"]
SCORES: tuple[Score, ...] = get_args(Score)
UNTRAINED = SCORES[:2]  # those that need nothing of the dataset but its texts
TEMPERATURE = 0.5  # nats per text token that weigh as much as one nat of popularity; the contrastive term's scale


class ScoreSpec(Spec):
    """How a candidate's score follows from its text tokens' log-probabilities; higher is better.

    Neither the sentinel nor the end token counts in any of them.

    Attributes
    ----------
    name
        `perplexity` is the paper's (equation 2): the mean log P(text | history) over the text's N tokens, of which
        exp(-score) is the perplexity. `conditional` takes the unconditional likelihood away: the mean of
        log P(text | history) - log P(text | empty history), domain-conditional PMI (Holtzman et al., EMNLP 2021).
        `posterior` adds to it what is known of an item before the user is: TEMPERATURE times its log prior, see
        `prior_of` (Bayes' rule; the ratio alone says nothing of how often an item is taken).
    dtype
        What the model computes in.
    """

    name: Score = "perplexity"
    dtype: Literal["float32", "bfloat16"] = "float32"

    @property
    def compares(self) -> bool:
        """Whether it needs the likelihood without a history."""
        return self.name != "perplexity"

    def beside(self, prior: np.ndarray) -> np.ndarray:
        """What a score has beside its text's part (c,), from log priors (c,): zero but for `posterior`."""
        return TEMPERATURE * prior if self.name == "posterior" else np.zeros(np.shape(prior))

    def apply(
        self, logprob: np.ndarray, tokens: np.ndarray, unconditional: np.ndarray, prior: np.ndarray
    ) -> np.ndarray:
        """Scores of c candidates.

        Parameters
        ----------
        logprob, tokens : ndarray, (c,)
            Sums of log-probabilities given the history, in nats, and the number of tokens of each text.
        unconditional : ndarray, (c,)
            The same sums given an empty history.
        prior : ndarray, (c,)
            Log priors, see `prior_of`.

        Examples
        --------
        >>> sums = np.array([-4.0]), np.array([2]), np.array([-6.0]), np.array([3.0])
        >>> [ScoreSpec(name=name).apply(*sums).item() for name in SCORES]
        [-2.0, 1.0, 2.5]
        """
        base = unconditional if self.compares else 0.0
        return (logprob - base) / tokens + self.beside(prior)


def prior_of(counts: np.ndarray, mode: str) -> np.ndarray:
    """Log priors (c,) of items with these training events, up to a constant, for a mode of candidates.

    log(events + 1): how often an item is taken. In `pop100` candidates come as often as they are taken, so that it
    says nothing of which of them was the target, and is zero.
    """
    return np.zeros(len(counts)) if mode == "pop100" else np.log1p(counts)
