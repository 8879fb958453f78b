"""What a training varies by."""

from typing import Literal

from pydantic import Field

from upsr_core.schema import Spec

# Columns of a learning curve, see `trainer.curve_of`.
CURVE = ("step", "tokens", "loss", "ndcg10", "user_dependence", "low", "high")


class TrainingSpec(Spec):
    """Masked item text prediction (paper, section 3.4.1) on a budget of real tokens.

    The budget is counted in real (non-padding) encoder tokens and, unless `batch` says how many histories it has, a
    batch in padded ones, so that the time of a training hardly depends on the dataset. By default a sample masks the
    last item alone in one case of ten, else a tenth of the items at random. Weights and optimizer are always float32.

    Attributes
    ----------
    tokens
        Spent on the dataset that is ranked; every `tokens / evaluations` of them the validation NDCG@10 is taken.
    pretrain_tokens
        Spent before, on the datasets of the pre-training, without validation.
    batch_tokens
        Padded encoder tokens that are gone through at once, at most: a batch, or a part of a larger one.
    batch, pretrain_batch
        Histories of a batch in the tuning and in the pre-training; 0 for as many as `batch_tokens` hold.
    pretrain_epochs
        How often the pre-training goes through its histories at most, however many tokens are left; 0 for no end.
    learning_rate
        The highest; it falls linearly after a short rise.
    mask_share, last_only
        The share of the items of a history that is masked, and of the samples in which the last item alone is.
    evaluations, patience
        Validations in all, and how many without a gain end the training; the best state is kept.
    prefixes
        Whether every beginning of a history is a sample too, with its last item masked (as in Kang and McAuley,
        SASRec, ICDM 2018).
    informative
        From 0 to 1, how far a target token weighs by what it costs the language model without a history; tokens that
        are clear from the text alone say nothing about the user (compare PMI masking, Levine et al., 2021).
    contrast
        Weight of a contrastive term, the right text against those of other users in the batch.
    shorter_first
        Whether the batches of the first half come in the order of their histories' length, shortest first (a
        curriculum, Bengio et al., ICML 2009); no batch is another one.
    dealt
        A control: the items of all histories are dealt out anew, so that they are as popular and the histories as long
        as before, and nothing about users can be learned.
    seed
        Of all draws.
    dtype
        What the linear layers are computed in.
    """

    tokens: int = Field(ge=0)
    pretrain_tokens: int = Field(default=0, ge=0)
    batch_tokens: int = Field(default=8192, ge=512)
    batch: int = Field(default=0, ge=0)
    pretrain_batch: int = Field(default=0, ge=0)
    pretrain_epochs: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=3e-4, gt=0)
    mask_share: float = Field(default=0.1, gt=0, le=1)
    last_only: float = Field(default=0.1, ge=0, le=1)
    evaluations: int = Field(default=5, ge=1)
    patience: int = Field(default=3, ge=1)
    prefixes: bool = False
    informative: float = Field(default=0.0, ge=0, le=1)
    contrast: float = Field(default=0.0, ge=0)
    shorter_first: bool = False
    dealt: bool = False
    seed: int = 0
    dtype: Literal["float32", "bfloat16"] = "float32"

    def parts(self, batch: int, longest: int) -> int:
        """In how many parts a batch of so many histories is gone through, none longer than `longest` tokens, so that
        it needs no more memory than `batch_tokens` do.

        >>> TrainingSpec(tokens=1).parts(64, 512), TrainingSpec(tokens=1).parts(0, 512)
        (4, 1)
        """
        return max(1, -(-batch * longest // self.batch_tokens))

    @property
    def trains(self) -> bool:
        """Whether the language model is changed at all."""
        return bool(self.tokens or self.pretrain_tokens)
