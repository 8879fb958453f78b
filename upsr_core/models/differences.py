"""What a rival here does otherwise than its published code: named by the model, shown by commands and pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from upsr_core.models.spec import SequenceSpec
from upsr_core.schema import Spec

_TITLES = {
    "width": "hidden size", "inner": "inner size", "layers": "layers", "heads": "heads", "dropout": "dropout",
    "attention_dropout": "dropout of attention", "length": "items of a history seen", "batch": "batch",
    "batch_unit": "what a batch counts", "learning_rate": "learning rate", "beta2": "Adam's beta2",
    "weight_decay": "weight decay", "clip": "gradients clipped at", "evaluate_every": "epochs between validations",
    "patience": "validations without a gain that end a training", "epochs": "epochs",
    "pretrain_epochs": "epochs of the pre-training", "pretrain_batch": "batch of the pre-training",
    "mask_share": "share of items hidden", "last_only": "share of histories of which only the last item is hidden",
}  # fmt: skip


class Difference(Spec):
    """One thing that is not as published: its published value, ours, and what it was measured to change.

    `effect` says "not measured" where it was not, and why.
    """

    what: str
    published: str
    ours: str
    effect: str


@dataclass(frozen=True)
class Published:
    """A rival's published code: where it is, and its settings under the names of `SequenceSpec`."""

    source: str
    settings: Mapping[str, object]

    def beside(self, ours: SequenceSpec, effects: Mapping[str, str]) -> list[Difference]:
        """The settings of a training that differ; `effects` by name of a setting."""
        return [
            Difference(
                what=_TITLES[name], published=_said(value), ours=_said(getattr(ours, name)),
                effect=effects.get(name, "not measured: set by the budget"),
            )
            for name, value in self.settings.items()
            if getattr(ours, name) != value
        ]  # fmt: skip


def _said(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if isinstance(value, float) else str(value)
