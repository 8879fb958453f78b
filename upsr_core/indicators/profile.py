"""The profile of a design: all indicators, each kept by the digest of what it depends on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import Dataset
from upsr_core.errors import DesignError
from upsr_core.indicators.attribute_tokens import Catalogue, catalogue_of
from upsr_core.indicators.cooccurrence import Behaviour, conflict
from upsr_core.indicators.informativeness import informativeness
from upsr_core.indicators.noise import noise
from upsr_core.indicators.result import CHEAP, INDICATORS, MODEL_BASED, IndicatorResult
from upsr_core.indicators.result_store import keep, stored
from upsr_core.indicators.text_length import length
from upsr_core.plm.loading import load_tokenizer, weights_digest
from upsr_core.runtime import Progress, silent
from upsr_core.schema import Spec
from upsr_core.text.design import ItemDesign
from upsr_core.text.tokenizer import TextTokenizer

VERSION = 3  # of what the indicators mean: a kept result of another version is not used
SAMPLE = 1000


class IndicatorSpec(Spec):
    """All that one result depends on; datasets, tokenizer and weights by their digests."""

    indicator: str
    version: int = VERSION
    design: ItemDesign
    dataset: str
    tokenizer: str
    weights: str | None = None
    domains: tuple[str, ...] = ()
    context: ItemDesign | None = None
    split: SplitSpec | None = None
    method: str | None = None
    sample: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Setting:
    """On what, with what and how exactly indicators are measured.

    Attributes
    ----------
    dataset
        Whose items are measured.
    plm
        The language model of the model-based indicators, as `locate` takes it.
    tokenizer
        Names the tokens that the cheap indicators count, that of the language model by default; the model-based ones
        always read with the model's own.
    domains
        Further datasets, for domain consistency.
    sample, seed
        Items that the model reads at most, 0 for all, drawn with the seed.
    method
        Of naturalness: likelihood or masked-spans.
    """

    dataset: Dataset
    plm: str = "embedded"
    tokenizer: str | None = None
    domains: tuple[Dataset, ...] = field(default=())
    sample: int = SAMPLE
    seed: int = 0
    method: str = "likelihood"

    def tokens(self, indicator: str) -> TextTokenizer:
        return load_tokenizer(self.plm if indicator in MODEL_BASED else self.tokenizer or self.plm)

    def catalogue(self, indicator: str, dataset: Dataset | None = None) -> Catalogue:
        return catalogue_of(dataset or self.dataset, self.tokens(indicator))

    def spec(self, indicator: str, design: ItemDesign, context: ItemDesign | None = None) -> IndicatorSpec:
        """What the result of an indicator depends on, and nothing else, so that nothing else makes it stale."""
        depends: dict = {}
        if indicator in ("conflict", "alignment"):
            depends |= {"split": SplitSpec(), "seed": self.seed}
        if indicator in MODEL_BASED:
            depends |= {"weights": weights_digest(self.plm), "sample": self.sample, "seed": self.seed}
        if indicator == "naturalness":
            depends["method"] = self.method
        if indicator == "domain_consistency":
            depends |= {"domains": tuple(d.digest for d in self.domains), "context": context, "split": SplitSpec()}
        return IndicatorSpec(
            indicator=indicator,
            design=design,
            dataset=self.dataset.digest,
            tokenizer=self.tokens(indicator).digest,
            **depends,
        )


@lru_cache(maxsize=8)
def _behaviour(digest: str, dataset: Dataset) -> Behaviour:
    return Behaviour(dataset)


def behaviour_of(dataset: Dataset) -> Behaviour:
    return _behaviour(dataset.digest, dataset)


def measure(
    indicator: str, setting: Setting, design: ItemDesign, progress: Progress, context: ItemDesign | None = None
) -> IndicatorResult:
    """One indicator of one design, kept or computed.

    Parameters
    ----------
    indicator
        One of INDICATORS.
    setting
        On what, with what and how exactly.
    design
        The item texts that are measured.
    progress
        Called with (done, total, what); what it raises stops the work.
    context
        Of domain consistency: the design in whose texts the words are read for their sense.

    Raises
    ------
    DesignError
        The dataset lacks an attribute of the design.
    ModelError
        The language model cannot be read.
    """
    design.check(setting.dataset.attributes, setting.dataset.name)
    digest = setting.spec(indicator, design, context).digest
    if (found := stored(digest)) is not None:
        return found
    return keep(digest, _MEASURES[indicator](setting, design, progress, context))


def stored_result(
    indicator: str, setting: Setting, design: ItemDesign, context: ItemDesign | None = None
) -> IndicatorResult | None:
    """A result that was computed before; None where there is none."""
    return stored(setting.spec(indicator, design, context).digest)


def profile(
    setting: Setting, design: ItemDesign, progress: Progress = silent, only: Iterable[str] | None = None
) -> dict[str, IndicatorResult]:
    """All indicators of a design, kept or computed.

    Parameters
    ----------
    setting, design
        On what, and the item texts that are measured.
    progress
        Called with (indicators done, in all, what); what it raises stops the work, and those done are kept.
    only
        Names of some of INDICATORS; all by default.

    Returns
    -------
    dict of str to IndicatorResult
        By name, the cheap ones first.

    Raises
    ------
    DesignError
        There is no such indicator, or the dataset lacks an attribute of the design.
    ModelError
        The language model cannot be read.
    """
    names = check_names(only)
    results = {}
    for number, name in enumerate(names):
        title = INDICATORS[name][0]
        progress(number, len(names), title)
        results[name] = measure(name, setting, design, _part(progress, number, len(names), title))
    progress(len(names), len(names), "done")
    return results


def check_names(only: Iterable[str] | None) -> list[str]:
    """The indicators named, the cheap ones first; all of them without names. Raises DesignError for an unknown one."""
    order = [*CHEAP, *MODEL_BASED]
    wanted = order if only is None else list(only)
    unknown = [name for name in wanted if name not in INDICATORS]
    if unknown:
        raise DesignError(f"There is no indicator {', '.join(unknown)}", how=f"Choose among {', '.join(order)}.")
    if not wanted:
        raise DesignError("No indicator was named", how=f"Choose among {', '.join(order)}.")
    return [name for name in order if name in wanted]


def _part(progress: Progress, number: int, count: int, title: str) -> Progress:
    return lambda done, total, what: progress(number + done / max(total, 1), count, f"{title}: {what}")


def _model_based(function: Callable) -> Callable:
    """Torch is imported when the first model-based indicator is computed, not when a page opens."""

    def run(setting: Setting, design: ItemDesign, progress: Progress, context: ItemDesign | None) -> IndicatorResult:
        from upsr_core.indicators.encoder import text_model_of

        return function(setting, design, progress, context, text_model_of(setting.plm))

    return run


def _naturalness(setting, design, progress, _, reader) -> IndicatorResult:
    from upsr_core.indicators.naturalness import naturalness

    catalogue = setting.catalogue("naturalness")
    return naturalness(catalogue, design, reader, setting.method, setting.sample, setting.seed, progress)


def _familiarity(setting, design, progress, _, reader) -> IndicatorResult:
    from upsr_core.indicators.familiarity import familiarity

    return familiarity(setting.catalogue("familiarity"), design, reader, setting.sample, setting.seed, progress)


def _consistency(setting, design, progress, context, reader) -> IndicatorResult:
    from upsr_core.indicators.domain_consistency import Domain, consistency

    datasets: Sequence[Dataset] = (setting.dataset, *setting.domains)
    domains = [Domain(setting.catalogue("domain_consistency", each), behaviour_of(each)) for each in datasets]
    return consistency(domains, design, reader, setting.sample, setting.seed, progress, context)


def _alignment(setting, design, progress, _, reader) -> IndicatorResult:
    from upsr_core.indicators.alignment import alignment

    catalogue, behaviour = setting.catalogue("alignment"), behaviour_of(setting.dataset)
    return alignment(catalogue, behaviour, design, reader, setting.sample, setting.seed, progress)


def _conflict(setting, design, *_) -> IndicatorResult:
    return conflict(setting.catalogue("conflict"), behaviour_of(setting.dataset), design, setting.seed)


_MEASURES: dict[str, Callable] = {
    "informativeness": lambda setting, design, *_: informativeness(setting.catalogue("informativeness"), design),
    "noise": lambda setting, design, *_: noise(setting.catalogue("noise"), design),
    "length": lambda setting, design, *_: length(setting.catalogue("length"), design),
    "conflict": _conflict,
    "naturalness": _model_based(_naturalness),
    "familiarity": _model_based(_familiarity),
    "domain_consistency": _model_based(_consistency),
    "alignment": _model_based(_alignment),
}
