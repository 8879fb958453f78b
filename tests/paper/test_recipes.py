import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.errors import RunError
from upsr_core.models.registry import model_info
from upsr_core.paper.experiment import ExperimentSpec
from upsr_core.paper.runner import study
from upsr_core.runs.budgets import usual_recipe
from upsr_core.runs.spec import budget_of, plan_run
from upsr_core.text.design import parse_design
from upsr_core.training.recipes import RECIPES


def planned(movies, recipe, budget="quick", **options):
    return plan_run(movies.name, parse_design("category,title"), budget=budget, recipe=recipe, **options)


def test_a_recipe_changes_the_training_its_size_and_the_score(movies):
    paper, personal = planned(movies, "paper"), planned(movies, "personal")
    assert (paper.recipe, personal.recipe) == ("", "personal recipe") and paper.digest != personal.digest
    assert (paper.score.name, personal.score.name) == ("perplexity", "posterior")
    assert personal.training.contrast > 0 == paper.training.contrast
    assert personal.training.tokens == round(RECIPES["personal"].share * paper.training.tokens)
    assert budget_of(personal) == budget_of(paper) == "quick", "the same budget in other tokens"
    other = planned(movies, "personal", score="perplexity")
    assert other.score.name == "perplexity" and other.recipe == "personal recipe, perplexity score"
    assert planned(movies, "paper", score="conditional").recipe == "conditional score"


def test_without_a_training_there_is_no_recipe(movies):
    paper, personal = (planned(movies, name, "zero-shot", score="conditional") for name in ("paper", "personal"))
    assert paper.digest == personal.digest and personal.recipe == ""
    first = planned(movies, "personal", "zero-shot", pretrain_on=("sample:movies",))
    assert first.recipe == "personal recipe" and 0 < first.training.pretrain_tokens < 1_600_000


def test_nothing_is_known_of_popularity_before_a_training_on_the_dataset(movies):
    assert planned(movies, "personal", "zero-shot").score.name == "conditional"
    assert planned(movies, "personal", "zero-shot", pretrain_on=("sample:movies",)).score.name == "conditional"
    import_dataset("pantry", *sample_files("pantry"), preparation=PreparationSpec.new_domain())
    [_, ours, learned] = study("table4", (movies.name,), "smoke", pretrain_on=("pantry",), recipe="personal").cells()
    assert ours.spec.score.name == learned.spec.score.name == "conditional"


def test_only_models_that_rank_by_likelihood_have_recipes(movies):
    assert usual_recipe(model_info("sasrec-ce")) == "paper" and usual_recipe(model_info("upsr")) == "personal"
    with pytest.raises(RunError, match="has no recipes"):
        plan_run(movies.name, model="sasrec-ce", recipe="personal")
    with pytest.raises(RunError, match="no recipe 'mine'"):
        planned(movies, "mine")


def test_the_experiment_that_compares_recipes_takes_none(movies):
    cells = study("recipes", (movies.name,), "smoke").cells()
    (mine,) = {cell.spec.score.name for cell in cells if cell.column == "Personal"}
    assert mine == RECIPES["personal"].score
    assert {cell.spec.recipe for cell in cells if cell.column == "Paper's recipe"} == {""}
    with pytest.raises(RunError, match="compares recipes itself"):
        study("recipes", (movies.name,), "smoke", recipe="personal").cells()


def test_an_experiment_of_the_papers_recipe_keeps_its_folder():
    old = ExperimentSpec(name="table5", datasets=("d",))
    assert "recipe" not in old.model_dump() and ExperimentSpec.model_validate(old.model_dump()) == old
    new = old.model_copy(update={"recipe": "personal"})
    assert new.digest != old.digest and new.command.endswith("--recipe personal")
