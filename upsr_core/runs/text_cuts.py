"""What the caps leave of the texts that a run reads: those of its dataset, and those of a pre-training."""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from upsr_core.datasets.store import Dataset, load_dataset
from upsr_core.indicators.attribute_tokens import catalogue_of
from upsr_core.plm.loading import load_text_tokenizer
from upsr_core.runs.spec import DatasetRef, RunSpec
from upsr_core.text.cut import Cut, cut_of, in_words
from upsr_core.text.design import ItemDesign
from upsr_core.text.text_cache import texts_of


class TextCuts(BaseModel):
    """`finetune` of the text that is ranked by; `pretrain` of the pre-training text, by dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finetune: Cut
    pretrain: dict[str, Cut] = {}

    @property
    def lines(self) -> list[tuple[str, Cut]]:
        """In words, the text that ranks first; with a pre-training each says which text it is of."""
        if not self.pretrain:
            return [(in_words(self.finetune), self.finetune)]
        first = f"Fine-tuning text, which ranks. {in_words(self.finetune)}"
        return [
            (first, self.finetune),
            *((f"Pre-training text on {name}. {in_words(cut)}", cut) for name, cut in self.pretrain.items()),
        ]


def text_cuts(
    spec: RunSpec, load: Callable[[str], Dataset] = load_dataset, keep_texts: bool = False
) -> TextCuts | None:
    """What the caps leave of a run's texts; None for a model that reads none.

    Parameters
    ----------
    spec
        Of the run.
    load
        Gives a stored dataset by its name.
    keep_texts
        Read the texts that are kept with the dataset, as the run itself does, and make them where they are missing.
        Otherwise attributes are tokenised in memory, which costs nothing more for a changed design.

    Raises
    ------
    RunError
        A dataset is no longer the one of the specification.
    """
    if not spec.reads_text:
        return None
    tokenizer = load_text_tokenizer(spec.plm.name)

    def cut(ref: DatasetRef, design: ItemDesign) -> Cut:
        dataset = ref.check(load(ref.name))
        if keep_texts:
            return cut_of(texts_of(dataset, design, tokenizer))
        return catalogue_of(dataset, tokenizer).cut(design)

    return TextCuts(
        finetune=cut(spec.dataset, spec.design.finetune),
        pretrain={ref.name: cut(ref, spec.design.pretrain) for ref in spec.pretrain_on},
    )
