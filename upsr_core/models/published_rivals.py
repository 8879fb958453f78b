"""The published code of SASRec, BERT4Rec and UniSRec: its settings, and what is built otherwise here.

Effects are of `upsr bench rivals`, see docs/rivals.md.
"""

from upsr_core.models.differences import Difference, Published

UNMEASURED = "not measured: "

_RECBOLE = {
    "width": 64, "inner": 256, "layers": 2, "heads": 2, "dropout": 0.5, "attention_dropout": 0.5, "length": 50,
    "batch": 2048, "batch_unit": "predictions", "learning_rate": 1e-3, "beta2": 0.999, "weight_decay": 0.0,
    "clip": 0.0, "epochs": 300, "evaluate_every": 1, "patience": 10,
}  # fmt: skip
RECBOLE_SASREC = Published("RecBole (RUCAIBox/RecBole, commit 7b02be5, SASRec with loss_type CE)", _RECBOLE)
UNISREC = Published(
    "RUCAIBox/UniSRec, commit 05aa5cb",
    {**_RECBOLE, "width": 300, "pretrain_epochs": 300, "pretrain_batch": 8192},
)
FIRST_SASREC = Published(
    "kang205/SASRec, commit e373896",
    {
        "width": 50, "inner": 50, "layers": 2, "heads": 1, "dropout": 0.5, "attention_dropout": 0.5, "length": 50,
        "batch": 128, "batch_unit": "histories", "learning_rate": 1e-3, "beta2": 0.98, "weight_decay": 0.0,
        "clip": 0.0, "epochs": 201, "evaluate_every": 20,
    },
)  # fmt: skip
FIRST_BERT4REC = Published(
    "FeiSun/BERT4Rec, commit 615eaf2, run_beauty.sh",
    {
        "width": 64, "inner": 256, "layers": 2, "heads": 2, "dropout": 0.5, "attention_dropout": 0.2, "length": 50,
        "batch": 256, "batch_unit": "histories", "learning_rate": 1e-4, "beta2": 0.999, "weight_decay": 0.01,
        "clip": 5.0, "mask_share": 0.6, "last_only": 1 / 11,
    },
)  # fmt: skip


def _of(what: str, published: str, ours: str, effect: str) -> Difference:
    return Difference(what=what, published=published, ours=ours, effect=effect)


_PADDING = _of(
    "padding", "one more item of the softmax", "no item", UNMEASURED + "one class among thousands, never a target"
)
_STEPS = _of(
    "when it is validated", "after every epoch, on all users",
    "at the tenth step next to the end of an epoch, on at most 5,000 users",
    UNMEASURED + "it chooses among neighbouring states of one training",
)  # fmt: skip


def _sequences(effect: str) -> Difference:
    return _of(
        "training sequences", "one for each item to predict, of the 50 items before it",
        "whole histories, every item predicted at once; beyond 51 items in windows that share one", effect,
    )  # fmt: skip


SASREC_CE_DEVIATIONS = (
    _sequences("as published NDCG@10 +.0016 [-.0004, +.0036] (part, 40 epochs)"),
    _of("figure that ends a training", "MRR@10", "NDCG@10", UNMEASURED + "both rank the one target"),
    _PADDING,
    _STEPS,
)
SASREC_BCE_DEVIATIONS = (
    _of(
        "users of an epoch", "drawn with replacement", "each once", UNMEASURED + "the same number of steps",
    ),
    _of(
        "histories beyond 51 items", "their newest 51 items alone", "older items in windows of their own",
        UNMEASURED + "it concerns 127 of 22,363 users of amazon-beauty-2014",
    ),
    _of(
        "which state is ranked with", "the last, figures printed every 20 epochs",
        "the best of the validations, at the tenth step next to every 20th epoch",
        UNMEASURED + "a choice by test figures would not be fair",
    ),
)  # fmt: skip
BERT4REC_DEVIATIONS = (
    _of(
        "positions", "counted from the oldest item", "counted from the newest item, so that the one to predict has "
        "always the same", "as published NDCG@10 -.0381 [-.0457, -.0305] (core, 30 epochs)",
    ),
    _of(
        "length of the training", "400,000 steps, about 4,600 epochs of amazon-beauty-2014",
        "the budget's epochs, ended by the validation", UNMEASURED + "more than a day here",
    ),
    _of(
        "schedule of the learning rate", "100 steps up, then straight down to 0 at the end", "constant",
        UNMEASURED + "where a training ends by its validation its end is not known before",
    ),
    _of(
        "which items are hidden", "drawn once, ten copies of the data", "drawn anew in every epoch",
        UNMEASURED + "it can only add variety",
    ),
    _of(
        "validation item", "learned from too", "not learned from",
        UNMEASURED + "it would be one event more a user than other models get",
    ),
    _of(
        "Adam", "epsilon 1e-6, no correction of its first steps", "epsilon 1e-8, corrected",
        UNMEASURED + "it concerns the first hundreds of steps",
    ),
    _of("initial weights", "normal, cut at two deviations", "normal", UNMEASURED + "the same deviation, .02"),
)  # fmt: skip
UNISREC_DEVIATIONS = (
    _of(
        "text encoder", "BERT-base, the first token's state, 768 wide",
        "the chosen language model; of the embedded one the mean of all states, 192 wide",
        UNMEASURED + "no BERT comes with the product; give one with --plm",
    ),
    _of(
        "item text", "title, category and brand, up to 512 tokens; none where a value has 2,000 characters or more",
        "the design, up to its caps", UNMEASURED + "it is what is studied here",
    ),
    _sequences(UNMEASURED + "of sasrec-ce, which has the same sequences, it is +.0016 [-.0004, +.0036]"),
    _of(
        "batches of the pre-training", "histories up to an item, from all over the data",
        "all items of a history in the batch of that history", UNMEASURED + "at 8,192 predictions few share a history",
    ),
    _of(
        "words dropped", "of the whole text", "of the values of attributes, their labels stay",
        UNMEASURED + "with category,title,brand two labels of a text are never dropped",
    ),
    _of(
        "domains of the pre-training", "Food, Home, CDs, Kindle, Movies", "those that are named",
        UNMEASURED + "they differ with every study",
    ),
    _PADDING,
    _STEPS,
)  # fmt: skip

# By the name of a setting.
BERT4REC_EFFECTS = {
    "learning_rate": "at 1e-4 NDCG@10 -.0575 [-.0662, -.0488] after 30 epochs (core), where it has hardly begun"
}
UNISREC_EFFECTS = {"pretrain_batch": UNMEASURED + "a short budget would have a few steps of 8,192 alone"}
