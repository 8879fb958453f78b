"""The experiments of the paper: their cells, resuming, what they leave, and the paper's values beside it."""

import numpy as np
import pandas as pd
import pytest
from made_runs import made, uniform

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.evaluation.verdicts import YES
from upsr_core.models.popularity import PopularityRanker
from upsr_core.paper.experiment import SCALES, letters, published
from upsr_core.paper.figure2 import CEILING, _reranked
from upsr_core.paper.figure3 import _loses_less
from upsr_core.paper.grid import AS_PAPER, OTHERWISE, UNCLEAR, collected, scale_notes
from upsr_core.paper.recipes import CONTROL, RECIPES
from upsr_core.paper.registry import EXPERIMENTS
from upsr_core.paper.runner import study, usual_domains
from upsr_core.runs.run import Run, list_runs, run_folder
from upsr_core.runs.spec import plan_run

quiet = lambda *_: None  # noqa: E731


@pytest.fixture(autouse=True)
def no_browser(monkeypatch):
    monkeypatch.setattr("upsr_core.export.figure_files.browser", lambda: None)


def test_table5_from_its_runs_to_the_papers_values_beside_ours(movies):
    this = study("table5", (movies.name,), "smoke")
    cells = this.cells()
    assert [cell.spec.design.finetune.label for cell in cells] == [
        "title", "category, title", "category, title, brand, price, description",
    ]  # fmt: skip
    made(cells[0].spec, uniform(80))
    made(cells[1].spec, uniform(80))
    left = this.forecast()
    assert (left.to_do, left.cells, left.memory_mib) == (1, 3, 100), "what the others of this model took"
    made(cells[2].spec, lambda rng, count: np.zeros(count, int))
    before = {run.id: run.result().finished for run in list_runs()}
    outcome = this.run(quiet)
    assert {run.id: run.result().finished for run in list_runs()} == before, "no run was made twice"
    rows = outcome.table.set_index("row")
    assert rows.loc["NDCG@1 (uni100)", "T+C+D"] == 100 and rows.loc["NDCG@10 (uni100)", "T"] < 50
    bits = rows.loc["Informativeness, bits", ["T", "T+C", "T+C+D"]].astype(float)
    assert bits.is_monotonic_increasing and 1 < bits["T"] < 6
    paper = outcome.beside[outcome.beside.dataset == "Movies (paper)"].set_index("row")
    assert paper.loc["NDCG@10", "T+C+D"] == 54.80 and paper.loc["Informativeness, bits", "T"] == 2.77
    verdicts = outcome.claims.set_index("claim").verdict
    assert verdicts["T+C above T, NDCG@10"] == UNCLEAR and verdicts["T+C+D above T, NDCG@10"] == AS_PAPER
    assert any("20 of 800" in note for note in outcome.notes)
    names = {file.name for file in this.folder.iterdir()}
    assert {"table.csv", "beside.csv", "claims.csv", "figure.html", "versions.json", "command.txt", "specs"} <= names
    again = this.outcome()
    pd.testing.assert_frame_equal(again.claims, outcome.claims, check_dtype=False)
    assert again.notes == outcome.notes and len(again.figure.data) == 3
    assert list(this.states().state) == ["done"] * 3 and this.forecast().to_do == 0


def test_a_finding_that_is_the_other_way_round_is_said_so(movies):
    experiment, this = EXPERIMENTS["table6"], study("table6", (movies.name,), "smoke")
    better = dict(zip(experiment.columns, (0, 60, 60), strict=True))
    finished = [(cell, made(cell.spec, lambda rng, n, at=better[cell.column]: np.full(n, at))) for cell in this.cells()]
    claims = collected(experiment, this.spec, finished).claims.set_index("claim")
    first, second = claims.index
    assert claims.loc[first, "verdict"] == OTHERWISE and claims.loc[first, "difference"] == -100
    assert claims.loc[second, "verdict"] == UNCLEAR and claims.loc[second, "difference"] == 0
    shared = study("table5", (movies.name,), "smoke").cells()[2].spec.digest
    assert this.cells()[2].spec.digest == shared, "both tables have this run, and it is made once"


def test_figure3_looks_at_three_steps(movies):
    this = study("figure3", (movies.name,), "smoke")
    for cell in this.cells():
        made(cell.spec, uniform(10))
    outcome = this.run(quiet)
    assert [row.split(" ")[-1] for row in outcome.table.row[:3]] == ["next-1", "next-2", "next-3"]
    step = Run(run_folder(this.cells()[1].spec)).per_user().step
    assert set(step) == {1, 2, 3} and set(outcome.claims.verdict) == {UNCLEAR}
    assert outcome.beside.iloc[-1].UPSR == 4.3
    assert (outcome.claims.difference == 0).all(), "the made runs rank a user alike at every step"


def test_figure2_counts_a_target_that_was_not_retrieved_as_zero(movies, monkeypatch):
    """SASRec's place is taken by popularity, whose ranks are known, and UPSR's by random order."""
    this = study("figure2", (movies.name,), "smoke")
    one = lambda model: made(plan_run(movies.name, model=model, mode="uni100"), uniform(9))  # noqa: E731
    runs = {"SASRec": one("popularity"), "UPSR": one("random")}
    found = _reranked(this.spec, runs, 50, quiet)
    parts = split(movies, SplitSpec())
    full = candidates_for(movies, parts, CandidateSpec(mode="full"))
    ranks = PopularityRanker(movies, parts).metrics(full)
    for length in (10, 20, 50):
        on_list = found[CEILING, length]
        sure = (ranks.ties == 0).to_numpy()  # where a tie is cut by the end of the list either is right
        np.testing.assert_array_equal(on_list[sure], (ranks["rank"] <= length)[sure])
        expected = sum(1 / np.log2(place + 1) for place in range(1, 11)) / length
        np.testing.assert_allclose(found["UPSR", length], expected * on_list)
    np.testing.assert_allclose(found["SASRec", 50][sure], (ranks["NDCG@10"] * (ranks["rank"] <= 50))[sure])
    scored = []
    _reranked(this.spec, runs, 50, lambda *told: scored.append(told))
    assert not scored, "kept scores are taken"


def test_an_experiment_says_where_the_history_is_not_used(movies):
    this = study("table5", (movies.name,), "smoke")
    finished = [(cell, made(cell.spec, uniform(101))) for cell in this.cells()]
    (note,) = [note for note in scale_notes(this.spec, finished) if note.startswith("Not shown to use the history")]
    assert all(cell.column in note for cell, _ in finished)


def test_table2_needs_no_runs(movies):
    outcome = study("table2", (movies.name,), "smoke").run(quiet)
    row = outcome.table.iloc[0]
    assert (row.Users, row.Items, row.Interactions) == (len(movies.users), len(movies.items), len(movies.sequence))
    assert outcome.beside.iloc[1].Users == 402_979 and "synthetic" in outcome.notes[0]


def test_table1_of_few_attributes(home):
    """Of two values none is low: informativeness and length then have numbers and no bands."""
    rows = [{"item_id": f"i{n}", "title": f"Word{n} other{n % 7}", "category": f"Kind{n % 3}"} for n in range(40)]
    events = [
        {"user_id": f"u{n}", "item_id": f"i{(3 * n + k) % 40}", "timestamp": k} for n in range(60) for k in range(5)
    ]
    items, log = home.parent / "items.csv", home.parent / "log.csv"
    pd.DataFrame(rows).to_csv(items, index=False)
    pd.DataFrame(events).to_csv(log, index=False)
    import_dataset("two", items, log, preparation=PreparationSpec.new_domain())
    outcome = study("table1", ("two",), "smoke").run(quiet)
    assert outcome.table.row.tolist() == ["title", "category"]
    pd.DataFrame(rows).drop(columns=["title", "category"]).assign(colour="red").to_csv(items, index=False)
    import_dataset("none", items, log, preparation=PreparationSpec.new_domain())
    with pytest.raises(RunError, match="none of the paper's attributes"):
        study("table1", ("none",), "smoke").run(quiet)


def test_what_is_ranked_zero_shot_is_not_learned_before(movies):
    with pytest.raises(RunError, match="holds events that 'sample:movies' is judged by"):
        study("table4", (movies.name,), "smoke", pretrain_on=(movies.name,)).cells()
    assert study("table7", (movies.name,), "smoke", pretrain_on=(movies.name,)).cells(), "its test events stay unseen"
    import_dataset("otherwise", *sample_files("movies"), preparation=PreparationSpec.new_domain())
    with pytest.raises(RunError, match="'otherwise' holds events that 'sample:movies' is judged by"):
        study("table4", (movies.name,), "smoke", pretrain_on=("otherwise",)).cells()


def test_relative_losses_are_compared_over_users():
    steps = lambda first, third: pd.DataFrame({1: first, 2: first, 3: third})  # noqa: E731
    whole, rng = np.ones(200), np.random.default_rng(0)
    lost = rng.random(200) < 0.5
    found = _loses_less(steps(whole, whole), steps(whole, 1.0 - lost))
    assert found["difference"] == pytest.approx(100 * lost.mean()) and found["low"] > 0 and found["p"] < 0.01
    assert _loses_less(steps(whole, whole), steps(whole, whole))["p"] == 1
    # A weaker model that keeps all of the little it has loses less, though it has fewer points to lose.
    weak = (rng.random(200) < 0.3).astype(float)
    assert _loses_less(steps(weak, weak), steps(whole, 0.9 * whole))["difference"] == pytest.approx(10)
    assert np.isnan(_loses_less(steps(0 * whole, whole), steps(whole, whole))["difference"])


def test_what_cannot_be_done_is_said(movies):
    for arguments, reason in ((("table99", ("a",)), "no experiment 'table99'"), (("table5", ()), "needs a dataset")):
        with pytest.raises(RunError, match=reason):
            study(*arguments)
    with pytest.raises(RunError, match="no scale 'huge'"):
        study("table5", (movies.name,), "huge")


def test_every_experiment_names_its_cells_and_the_papers_columns(movies):

    for name in ("pantry", "arts"):
        import_dataset(name, *sample_files(name), preparation=PreparationSpec.new_domain())
    for name, experiment in EXPERIMENTS.items():
        first = () if experiment.pretrains == "no" else ("pantry", "arts")
        cells = study(name, (movies.name,), "quick", pretrain_on=first).cells()
        columns = {cell.column for cell in cells}
        judged = {(cell.column, cell.spec.candidates.mode) for cell in cells}
        assert columns <= set(experiment.columns) - {CEILING} and len(judged) == len(cells)
        assert {name for claim in experiment.claims for name in (claim.better, claim.worse)} <= set(experiment.columns)
        assert list(published(experiment).columns) == ["dataset", "row", *experiment.columns]
        assert len({cell.spec.digest for cell in cells}) == len(cells)
    assert len(study("table5", (movies.name,), "standard").cells()) == 3 * SCALES["standard"].seeds


def pens(tmp_path, columns="title,brand", items=12):
    """A small dataset of 30 users, each with eight items; the last items of the first five occur nowhere else."""

    catalogue, events = tmp_path / "items.csv", tmp_path / "events.csv"
    values = ",".join(f"{name} {{n}}" for name in columns.split(","))
    rows = [f"i{n}," + values.replace("{n}", str(n)) for n in range(items + 5)]
    catalogue.write_text("\n".join([f"item_id,{columns}", *rows]))
    rng = np.random.default_rng(0)
    lines = []
    for user in range(30):
        history = rng.permutation(items)[:8].tolist()
        history[-1] = items + user if user < 5 else history[-1]
        lines += [f"u{user},i{item},{1000 + place}" for place, item in enumerate(history)]
    events.write_text("\n".join(["user_id,item_id,timestamp", *lines]))
    return import_dataset("pens", catalogue, events, preparation=PreparationSpec.new_domain())


def test_table3_leaves_cold_targets_out(home, tmp_path):
    data = pens(tmp_path, "title,category,brand", 140)
    this = study("table3", (data.name,), "smoke")
    for cell in this.cells():
        made(cell.spec, uniform(10))
    outcome = this.run(quiet)
    upsr = Run(run_folder(this.cells()[-1].spec)).per_user()
    own = upsr[upsr.score == "perplexity"]
    assert own.cold.sum() >= 5, "or this shows nothing"
    value = outcome.table.set_index("row").loc["NDCG@10 (uni100)", "UPSR (T5)"]
    assert value == pytest.approx(100 * own[~own.cold]["NDCG@10"].mean()) and len(outcome.claims) == 6
    assert outcome.beside[outcome.beside.dataset == "Arts (paper)"].iloc[0]["UPSR (FLAN-T5)"] == 42.79


def test_letters_take_what_there_is(movies, tmp_path):
    data = pens(tmp_path)
    assert letters(data, "TD").attributes == ("title", "brand")
    assert letters(movies, "CTD").attributes == ("category", "title", "brand", "price", "description")
    with pytest.raises(RunError, match=r"'pens' has no category \(it has title, brand\)"):
        letters(data, "CT")


def test_zero_shot_learns_other_domains_and_nothing_of_its_own(movies, monkeypatch):
    vectors = lambda data, *_: np.random.default_rng(0).normal(size=(len(data.items), 8)).astype(np.float32)  # noqa: E731
    monkeypatch.setattr("upsr_core.models.text_vectors.text_vectors", vectors)
    from upsr_core.runs.ensure_finished import finish

    import_dataset("pantry", *sample_files("pantry"), preparation=PreparationSpec.new_domain())
    rival, plain, learned = study("table4", (movies.name,), "smoke", pretrain_on=("pantry",)).cells()
    small = rival.spec.model.with_training(width=16, inner=32)
    run = finish(rival.spec.model_copy(update={"model": small, "candidates": CandidateSpec(users=300)}), quiet)
    assert (run.folder / "pretrained" / "model.safetensors").exists() and run.curve().empty
    table = run.per_user()
    assert table.cold.all() and run.result().of_users == len(movies.sequence) - len(movies.users)
    assert not plain.spec.trains and plain.spec.pretrain_on == ()
    assert learned.spec.model.training.tokens == 0 < learned.spec.model.training.pretrain_tokens


def test_domains_and_models_that_an_experiment_needs_or_has_no_use_for(movies):
    for arguments, reason in (
        ({"name": "table7"}, "needs domains"), ({"name": "table5", "pretrain_on": ("x",)}, "pre-trains nothing"),
        ({"name": "table5", "plm": "a,b"}, "takes 1 language model at most"),
        ({"name": "table9", "plm": " , "}, "takes 2 language models at most"),
    ):  # fmt: skip
        with pytest.raises(RunError, match=reason):
            study(datasets=(movies.name,), scale="smoke", **arguments)
    with pytest.raises(RunError, match="compares two language models"):
        study("table9", (movies.name,), "smoke", plm="small")
    assert study("table9", (movies.name,), "smoke").spec.plms == ("small", "embedded")
    assert usual_domains("table7", ("sample:books",)) == ("sample:clothing", "sample:sports")
    assert usual_domains("table7", ("mine",)) == usual_domains("table3", ("sample:books",)) == ()
    with pytest.raises(RunError, match="needs two domains"):
        study("figure4", (movies.name,), "smoke", pretrain_on=(movies.name,)).cells()


def test_recipes_are_judged_at_equal_tokens_among_uniform_and_popular_candidates(movies):
    this = study("recipes", (movies.name,), "smoke")
    cells = this.cells()
    assert len({cell.spec.model.training.tokens for cell in cells}) == 1
    by_training = pd.DataFrame([(cell.column, cell.spec.training_digest) for cell in cells]).groupby(0)[1]
    assert (by_training.nunique() == 1).all(), "one training for both modes"
    for cell in cells:
        best = cell.column == "Contrast" and cell.spec.candidates.mode == "pop100"
        made(cell.spec, uniform(2 if best else 90))
    outcome = this.run(quiet)
    rows = outcome.table.set_index("row")
    assert rows.loc["NDCG@10 (pop100)", "Contrast"] > 75 > rows.loc["NDCG@10 (uni100)", "Contrast"]
    assert rows.loc["User dependence (pop100)", "Contrast"] > 30
    assert 0 < rows.loc["NDCG@10 (uni100)", "Popularity"] < 75
    verdicts = outcome.claims.set_index("claim").verdict
    assert verdicts["Contrast above Paper's, short, NDCG@10 (pop100)"] == "above"
    assert verdicts["Contrast above Paper's, short, NDCG@10 (uni100)"] == UNCLEAR
    assert len(outcome.figure.data) == 2 * len(RECIPES)
    control = [cell.spec for cell in cells if cell.column == CONTROL]
    assert all(spec.model.training.dealt for spec in control) and not any(CONTROL in claim for claim in verdicts.index)
    called = sum(Run(run_folder(spec)).result().uses_history == YES for spec in control)
    assert any(f"{called} of {len(control)} of its runs" in note for note in outcome.notes)
