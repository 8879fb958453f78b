"""What a learning curve is made of: quality, and whether it comes from the user."""

from upsr_core.evaluation.borrowed import own_and_borrowed
from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import HEADLINE
from upsr_core.evaluation.statistics import paired_difference
from upsr_core.models.base import Ranker


def validate(ranker: Ranker, validation: Candidates) -> dict[str, float]:
    """Validation NDCG@10, and what the right history gains over another user's, see `evaluation.borrowed`.

    Returns
    -------
    dict
        `ndcg10`, `user_dependence` and its 95 % interval `low`, `high`, which are left out where too few
        users decide for one.
    """
    own, borrowed = own_and_borrowed(validation)
    right, shared = ranker.metrics_of_both(validation, own)
    gain = paired_difference(shared[HEADLINE].to_numpy(), ranker.metrics(borrowed)[HEADLINE].to_numpy())
    ends = {end: gain[end] for end in ("low", "high") if gain[end] is not None}
    return {"ndcg10": float(right[HEADLINE].mean()), "user_dependence": gain["mean"], **ends}
