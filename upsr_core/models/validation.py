"""What a learning curve is made of: quality, and whether it comes from the user."""

from upsr_core.evaluation.candidates import Candidates
from upsr_core.evaluation.metrics import HEADLINE
from upsr_core.evaluation.statistics import other_users, paired_difference
from upsr_core.models.base import Ranker


def validate(ranker: Ranker, validation: Candidates) -> dict[str, float]:
    """Validation NDCG@10, and what the right history gains over another user's on the same candidates.

    Returns
    -------
    dict
        `ndcg10`, `user_dependence` and its 95 % interval `low`, `high`, which are left out where too few
        users decide for one.
    """
    right = ranker.metrics(validation)[HEADLINE].to_numpy()
    borrowed = other_users(validation.instances.user.to_numpy(), validation.spec.seed)
    wrong = ranker.metrics(validation.with_histories_of(borrowed))[HEADLINE].to_numpy()
    gain = paired_difference(right, wrong)
    ends = {end: gain[end] for end in ("low", "high") if gain[end] is not None}
    return {"ndcg10": float(right.mean()), "user_dependence": gain["mean"], **ends}
