import numpy as np
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.errors import RunError
from upsr_core.models.registry import MODELS
from upsr_core.paper.experiment import ExperimentSpec
from upsr_core.paper.runner import study
from upsr_core.runs.ensure_finished import finish
from upsr_core.runs.spec import budget_of, plan_run
from upsr_core.text.design import parse_design
from upsr_core.training.recipes import RECIPES, recipe_of, whole
from upsr_core.training.spec import TrainingSpec

quiet = lambda *_: None  # noqa: E731


def planned(movies, recipe, budget="quick", **options):
    return plan_run(movies.name, parse_design("category,title"), budget=budget, recipe=recipe, **options)


def test_a_recipe_changes_the_training_its_size_and_the_score(movies):
    paper, personal = planned(movies, "paper"), planned(movies, "personal")
    assert (paper.model.recipe, personal.model.recipe) == ("", "personal recipe") and paper.digest != personal.digest
    assert (paper.model.score.name, personal.model.score.name) == ("perplexity", "posterior")
    assert personal.model.training.contrast > 0 == paper.model.training.contrast
    assert personal.model.training.tokens == round(RECIPES["personal"].share * paper.model.training.tokens)
    assert budget_of(personal) == budget_of(paper) == "quick", "the same budget in other tokens"
    other = planned(movies, "personal", score="perplexity")
    assert other.model.score.name == "perplexity" and other.model.recipe == "personal recipe, perplexity score"
    assert planned(movies, "paper", score="conditional").model.recipe == "conditional score"


def test_without_a_training_there_is_no_recipe(movies):
    paper, personal = (planned(movies, name, "zero-shot", score="conditional") for name in ("paper", "personal"))
    assert paper.digest == personal.digest and personal.model.recipe == ""
    first = planned(movies, "personal", "zero-shot", pretrain_on=("sample:movies",))
    assert first.model.recipe == "personal recipe" and 0 < first.model.training.pretrain_tokens < 1_600_000


def test_nothing_is_known_of_popularity_before_a_training_on_the_dataset(movies):
    assert planned(movies, "personal", "zero-shot").model.score.name == "conditional"
    assert planned(movies, "personal", "zero-shot", pretrain_on=("sample:movies",)).model.score.name == "conditional"
    import_dataset("pantry", *sample_files("pantry"), preparation=PreparationSpec.new_domain())
    [_, ours, learned] = study("table4", (movies.name,), "smoke", pretrain_on=("pantry",), recipe="personal").cells()
    assert ours.spec.model.score.name == learned.spec.model.score.name == "conditional"


def test_a_model_without_recipes_takes_none(movies):
    assert MODELS["sasrec-ce"].recipes == () and planned(movies, "").digest == planned(movies, "personal").digest
    with pytest.raises(RunError, match="has no recipe 'personal'"):
        plan_run(movies.name, model="sasrec-ce", recipe="personal")
    with pytest.raises(RunError, match="no recipe 'mine'"):
        planned(movies, "mine")


def test_the_experiment_that_compares_recipes_takes_none(movies):
    cells = study("recipes", (movies.name,), "smoke").cells()
    (mine,) = {cell.spec.model.score.name for cell in cells if cell.column == "Personal"}
    assert mine == RECIPES["personal"].score
    assert {cell.spec.model.recipe for cell in cells if cell.column == "Paper's recipe"} == {""}
    with pytest.raises(RunError, match="compares recipes itself"):
        study("recipes", (movies.name,), "smoke", recipe="personal").cells()


def test_experiments_of_different_recipes_have_folders_of_their_own():
    paper = ExperimentSpec(name="table5", datasets=("d",))
    personal = paper.model_copy(update={"recipe": "personal"})
    assert personal.folder != paper.folder and ExperimentSpec.model_validate(personal.model_dump()) == personal
    assert personal.command.endswith("--recipe personal") and "--recipe" not in paper.command


def test_a_training_by_the_papers_recipe_has_its_batches_and_epochs(movies, monkeypatch):
    """64 histories, 128 in a pre-training, gone through in parts; the pre-training ends after 20 epochs."""
    seen = {}

    def train(model, batches, spec, folder, progress, what, accumulation, **options):
        seen[what] = batches, accumulation
        return model

    monkeypatch.setattr("upsr_core.models.upsr_training.train", train)
    import_dataset("pantry", *sample_files("pantry"), preparation=PreparationSpec.new_domain())
    spec = planned(movies, "paper", "smoke", pretrain_on=("pantry",))
    few = spec.model.with_training(batch_tokens=8192, pretrain_tokens=10**9)
    finish(spec.model_copy(update={"model": few, "candidates": spec.candidates.model_copy(update={"users": 2})}), quiet)
    (tuning, parts), (first, parts_first) = seen["training"], seen["pre-training"]
    assert {len(batch) for batch in tuning.plan} == {64} and (parts, parts_first) == (4, 8)
    sizes = [len(batch) for batch in first.plan]
    histories = len(first.row_of)
    assert max(sizes) == 128 and sum(sizes) == 20 * histories
    assert (np.bincount(np.concatenate(first.plan)) == 20).all()


def test_a_training_is_told_by_what_its_recipe_decides_and_not_by_its_budget():
    """A run at the paper's rate alone is nobody's; that of any budget, seed or machine is the recipe's."""
    for name in RECIPES:
        for changes in ({}, {"seed": 3, "tokens": 9, "batch_tokens": 2048, "dtype": "bfloat16", "patience": 1}):
            assert recipe_of(TrainingSpec(**{"tokens": 1, **whole(name), **changes})) == name
    assert recipe_of(TrainingSpec(tokens=1, **whole("paper") | {"learning_rate": 1e-3})) == "own"
    assert recipe_of(TrainingSpec(tokens=1, **whole("paper") | {"batch": 32})) == "own"
