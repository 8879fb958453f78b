"""What a training varies by."""

from typing import Literal

from pydantic import Field

from upsr_core.schema import Spec

# Columns of a learning curve, see `trainer.curve_of`.
CURVE = ("step", "tokens", "loss", "ndcg10", "user_dependence", "low", "high")


class TrainingSpec(Spec):
    """Masked item text prediction (paper, section 3.4.1) on a budget of real tokens.

    The budget and the batch are counted in real (non-padding) and padded encoder tokens, so that the time of a
    training hardly depends on the dataset. `pretrain_tokens` is spent first, on the datasets of the pre-training,
    without validation; `tokens` then on the dataset that is ranked. One in ten samples masks only the last item,
    the others a tenth of the items at random. Every `tokens / evaluations` tokens the validation NDCG@10 is taken;
    training stops after `patience` of them without a gain, and the best is kept.

    Beside the paper's recipe, all off unless asked for:
    `prefixes`: every beginning of a history is a sample too, with its last item masked (as in Kang and McAuley,
    SASRec, ICDM 2018).
    `informative`: from 0 to 1, how far a target token weighs by what it costs the language model without a history;
    tokens that are clear from the text alone say nothing about the user (compare PMI masking, Levine et al., 2021).
    `contrast`: weight of a contrastive term, the right text against those of other users in the batch.
    `shorter_first`: the batches of the first half come in the order of their histories' length, shortest first
    (a curriculum, Bengio et al., ICML 2009); no batch is another one.
    `dealt`: a control. The items of all histories are dealt out anew, so that they are as popular and the histories as
    long as before, and nothing about users can be learned.

    `dtype` is what the linear layers are computed in; weights and optimizer are always float32.
    """

    tokens: int = Field(ge=0)
    pretrain_tokens: int = Field(default=0, ge=0)
    batch_tokens: int = Field(default=8192, ge=512)
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

    @property
    def trains(self) -> bool:
        """Whether the language model is changed at all."""
        return bool(self.tokens or self.pretrain_tokens)
