"""UPSR: candidates ranked by the likelihood of their text given the text of the history (paper, section 3.4).

What it is and costs; `upsr_ranker` has it at work, `upsr_training` trains it, `upsr_evaluation` scores test users.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import Split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.evaluation.candidates import NEGATIVES, Candidates
from upsr_core.likelihood.scores import SCORES, Score, ScoreSpec, prior_of
from upsr_core.models.base import LEAVE_ONE_OUT, Model, Request, TrainingJob
from upsr_core.models.budgets import BUDGETS, Budget
from upsr_core.models.cost import Calibration, DataSizes, Work, parameters, plm_sizes
from upsr_core.models.spec import TextModelSpec, TrainedModelSpec
from upsr_core.plm.loading import T5
from upsr_core.training.recipes import PAPER, PERSONAL, RECIPES, SHORT, recipe_of, score_of
from upsr_core.training.spec import TrainingSpec

if TYPE_CHECKING:
    from upsr_core.models.upsr_ranker import UpsrRanker

GRADIENTS = "gradients"
CONTRASTING = 2.2  # what a token costs with the contrastive term, over one without
CHECKPOINTS = 3  # kept at a time: two, and the best; each is the weights and twice as much for the optimizer
SCORE_BYTES = 20  # of a candidate in `scores.parquet`, compressed
OF_THE_DATASET = {"tokens", "batch", "evaluations", "patience"}  # what a training does with the dataset that is ranked


class UpsrSpec(TextModelSpec, TrainedModelSpec):
    """UPSR with a design, a T5, a training, and the score that stands for its runs."""

    name: Literal["upsr"] = "upsr"
    training: TrainingSpec
    score: ScoreSpec = ScoreSpec()

    @property
    def trains(self) -> bool:
        return self.training.trains

    @property
    def own_score(self) -> str:
        return self.score.name

    @property
    def recipe_name(self) -> str:
        """The name of its recipe; "own" where its training is that of none."""
        return recipe_of(self.training)

    @property
    def recipe(self) -> str:
        if not self.trains:
            return ""
        name = self.recipe_name
        usual = score_of(name, self.training) if name in RECIPES else self.score.name
        parts = [] if name == PAPER else [f"{name} recipe"]
        return ", ".join(parts if usual == self.score.name else [*parts, f"{self.score.name} score"])

    def pretraining_record(self) -> dict:
        training = self.training.model_dump(mode="json", exclude=OF_THE_DATASET)
        return super().pretraining_record() | {"training": training}


class Upsr(Model[UpsrSpec]):
    name = "upsr"
    title = "UPSR"
    note = "Ranks candidates by the likelihood of their text given the text of the history."
    limits = "Scoring costs a decoder pass for each candidate."
    spec_type = UpsrSpec
    reads_text = True
    pretrains = True
    plm_kinds = T5
    scores = SCORES
    recipes = (PERSONAL, PAPER, SHORT)
    dtypes = ("float32", "bfloat16")
    usual_mode = "uni100"
    validation_mode = "uni100"
    splits_training = True
    calibrates = True
    methods = (LEAVE_ONE_OUT, GRADIENTS)
    rereads_text = True
    unit = "tokens seen"

    def plan(self, request: Request) -> UpsrSpec:
        recipe = request.recipe or self.recipes[0]
        return UpsrSpec.model_validate(
            {
                "design": request.design,
                "plm": self.plm_ref(request.plm),
                "training": _training_of(request.chosen_budget, recipe, request),
                "score": ScoreSpec.model_validate({"name": request.score or self.usual_score(recipe, request.budget)}),
            }
        )

    def open(self, spec: UpsrSpec, dataset: Dataset, parts: Split, mode: str, weights: Path | None) -> "UpsrRanker":
        from upsr_core.plm.loading import load_model

        return self.with_model(load_model(str(weights or spec.plm.name), spec.score.dtype), spec, dataset, parts, mode)

    def with_model(self, model: Any, spec: UpsrSpec, dataset: Dataset, parts: Split, mode: str) -> "UpsrRanker":
        """The ranker with this T5, which may be in training."""
        from upsr_core.models.upsr_ranker import UpsrRanker
        from upsr_core.plm.loading import load_tokenizer

        prior = prior_of(training_counts(dataset, parts), mode)
        return UpsrRanker(model, load_tokenizer(spec.plm.name), dataset, spec.design, spec.score, prior)

    def train(self, spec: UpsrSpec, job: TrainingJob) -> None:
        from upsr_core.models.upsr_training import train_upsr

        train_upsr(self, spec, job)

    def with_scores(self, table: pd.DataFrame, mode: str) -> pd.DataFrame:
        """A column for each named score (higher is better), from log-probabilities of all candidates."""
        known = [table[name].to_numpy() for name in ("logprob", "tokens", "unconditional")]
        logprob, tokens, unconditional, prior = *known, prior_of(table.popularity.to_numpy(), mode)

        def score(name: Score) -> np.ndarray:
            return ScoreSpec(name=name).apply(logprob, tokens, unconditional, prior)

        return table.assign(**{name: score(name) for name in SCORES})

    def details(self, table: pd.DataFrame) -> pd.DataFrame:
        """perplexity (lower is better), conditional, posterior, tokens and identical (shares its text with another)."""
        found = table[[*SCORES, "tokens"]].assign(perplexity=np.exp(-table.perplexity))
        return found.assign(identical=table.duplicated(["logprob", "unconditional", "tokens"], keep=False))

    def budget_line(self, budget: str) -> str:
        return BUDGETS[budget].description

    def users(self, budget: Budget) -> tuple[int, int | None]:
        return budget.validation_users, budget.test_users

    def usual_score(self, recipe: str, budget: str) -> str:
        return score_of(recipe, BUDGETS[budget].training)

    def size(self, spec: UpsrSpec) -> tuple[str, float]:
        return "tokens", float(spec.training.tokens)

    def budget_size(self, budget: str, spec: UpsrSpec) -> float:
        recipe = spec.recipe_name if spec.recipe_name in RECIPES else PAPER
        return float(_training_of(BUDGETS[budget], recipe, Request(budget)).tokens)

    def patience(self, spec: UpsrSpec) -> int:
        return spec.training.patience

    def exchanges(self, spec: UpsrSpec) -> float:
        return (spec.training.tokens + spec.training.pretrain_tokens) / spec.training.batch_tokens

    def work(self, spec: UpsrSpec, sizes: DataSizes, trained: float, pretrained: float) -> Work:
        encoder, decoder, head = plm_sizes(spec.plm.name)
        text_tokens, own = sizes.text_tokens(spec), spec.training
        # A tenth of the items is predicted, at least one of each sequence of about ten.
        tokens = own.tokens * trained + own.pretrain_tokens * pretrained
        training = 6 * tokens * (encoder + (decoder + head) * 0.15) * (CONTRASTING if own.contrast else 1.0)
        validated = min(sizes.users, sizes.validated) * own.evaluations if own.tokens else 0
        # Prefixes shared by candidates are computed once; the share left is about .7 among a hundred of them.
        per_user = 2 * text_tokens * sizes.candidates * 0.7 * (decoder + head)
        validation = per_user * (NEGATIVES + 1) / sizes.candidates * 2 * validated * trained
        scoring = per_user * 2 * sizes.tested + 2 * text_tokens * sizes.items * 0.5 * (decoder + head)
        return Work(training, validation + scoring)

    def tells_speed(self, spec: UpsrSpec) -> bool:
        return spec.training.tokens > 1e6

    def cost_record(self, spec: UpsrSpec) -> dict:
        """Seeds, and how many tokens there are, change nothing of what one of them costs."""
        own, record = spec.training, spec.model_dump(mode="json", include={"name", "design", "plm"})
        flags = {"contrast": bool(own.contrast), "informative": bool(own.informative)}
        return record | flags | {"batch": own.batch_tokens, "dtype": own.dtype}

    def calibrate(self, spec: UpsrSpec, dataset: Dataset, parts: Split, test: Candidates) -> Calibration:
        from upsr_core.models.upsr_calibration import measure

        return measure(self, spec, dataset, parts, test)

    def measured(self, spec: UpsrSpec, costs: Calibration, sizes: DataSizes, trained: float, pretrained: float) -> Work:
        own, training = spec.training, 0.0
        if trained:
            training = costs.training_seconds(own.tokens * trained + own.pretrain_tokens * pretrained)
            of_mode = sizes.candidates / (NEGATIVES + 1)  # validation ranks a hundred negatives always
            validations = min(sizes.users, sizes.validated) * own.evaluations * bool(own.tokens)
            training += costs.scoring_seconds(validations / of_mode, 0)
        texts = min(sizes.items, sizes.tested * sizes.candidates)
        return Work(training, costs.scoring_seconds(sizes.tested, texts))

    def disk_mib(self, spec: UpsrSpec, sizes: DataSizes) -> tuple[float, float]:
        """Checkpoints with the optimizer's state on the way; the weights and every candidate's scores stay."""
        weights = 4 * parameters(spec.plm.name) / 2**20 if spec.trains else 0.0
        left = weights + sizes.tested * sizes.candidates * SCORE_BYTES / 2**20
        return left, left + CHECKPOINTS * 3 * weights


def _training_of(budget: Budget, recipe: str, request: Request) -> TrainingSpec:
    """What a budget pays for by a recipe; without a training a recipe would change the name of a run alone."""
    how = RECIPES[recipe]
    sizes = {"tokens": budget.training.tokens, "pretrain_tokens": budget.pretrain_tokens if request.pretrains else 0}
    update: dict[str, Any] = {"seed": request.seed, "dtype": request.dtype}
    update |= {name: round(tokens * how.share) for name, tokens in sizes.items()}
    return budget.training.model_copy(update=update | (dict(how.training) if any(sizes.values()) else {}))
