"""Runs beside each other: who may be compared, on which users, and what is said of them."""

import json

import numpy as np
import pandas as pd
import pytest
from made_runs import made_run, uniform

from upsr_core.cli.main import app
from upsr_core.comparison.compare import leaderboard, pairs, seeds
from upsr_core.comparison.cost import cost, curves, indicators
from upsr_core.comparison.entries import load
from upsr_core.comparison.export import export, exported, link, zipped
from upsr_core.comparison.who_differs import SLICES, movers, slices
from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import sample_files
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.splits import SplitSpec, split
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
from upsr_core.export.figure_files import browser
from upsr_core.models.registry import MODELS
from upsr_core.runs.ensure_finished import finish
from upsr_core.runs.run import create_run
from upsr_core.runs.spec import DatasetRef, plan_run
from upsr_core.text.design import parse_design


def test_a_run_against_its_equal_differs_by_exactly_zero(movies):
    fixed = lambda rng, count: np.arange(count) % 20  # noqa: E731
    tested = pairs(load([made_run(fixed), made_run(fixed, "bert4rec")]))
    row = tested.iloc[0]
    assert (row.difference, row.p, row.p_holm) == (0, 1, 1)
    assert np.isnan([row.low, row.high]).all() and row.why.endswith("users alike")
    assert row.verdict == "not told apart" and row.better == row.worse == 0


def test_better_and_worse_are_users_and_not_their_targets(movies):
    twice = SplitSpec(kind="leave-last-k", k=2)
    first = made_run(lambda rng, count: np.arange(count) % 2, split=twice)
    other = made_run(lambda rng, count: np.full(count, 5), "bert4rec", split=twice)
    compared = load([first, other])
    row = pairs(compared).iloc[0]
    assert row.better == compared.instances.user.nunique() == len(compared.instances) / 2 and row.worse == 0


def test_users_with_more_targets_than_others_do_not_make_others_worse(movies):
    zero = SplitSpec(kind="zero-shot")
    first = made_run(lambda rng, count: np.where(np.arange(count) < count // 2, 0, 9), split=zero)
    other = made_run(lambda rng, count: np.full(count, 9), "bert4rec", split=zero)
    row = pairs(load([first, other])).iloc[0]
    assert row.better > 0 and row.worse == 0


def test_leaderboard_and_every_pair(movies):
    runs = [made_run(uniform(50), "bert4rec"), made_run(uniform(5)), made_run(uniform(50), "sasrec-bce")]
    compared = load(runs)
    board = leaderboard(compared)
    assert board.label.tolist()[0] == "SASRec, cross-entropy" and set(board[board.reference].label) == {
        "Popularity",
        "Random order",
    }
    own = board[board.id == runs[1].id].iloc[0]
    assert own["NDCG@10"] == pytest.approx(runs[1].result().metrics["NDCG@10 (uni100)"])
    assert own["NDCG@10_low"] < own["NDCG@10"] < own["NDCG@10_high"] and own.uses_history == "yes"
    tested = pairs(compared)
    assert len(tested) == 3 and (tested.p_holm >= tested.p).all()
    verdicts = {frozenset((row.a, row.b)): row.verdict for row in tested.itertuples()}
    assert verdicts[frozenset((runs[0].id, runs[2].id))] == "not told apart"
    assert list(verdicts.values()).count("different") == 2 and set(tested["on"]) == {"these trainings"}
    assert (tested.difference >= 0).all() and compared.entry(runs[1].id[:8]).runs == (runs[1],)
    with pytest.raises(RunError, match="not in this comparison"):
        compared.entry("nothing")


def test_runs_that_differ_only_in_seed_are_one_line(movies):
    ours = [made_run(uniform(10), seed=seed) for seed in (2, 0, 1)]
    theirs = [made_run(uniform(30), "sasrec-bce", seed) for seed in (0, 1)]
    compared = load([ours[0], theirs[0], ours[1], theirs[1], ours[2]])
    assert [len(entry.runs) for entry in compared.entries] == [3, 2]
    assert [run.spec.seed for run in compared.entries[0].runs] == [0, 1, 2]
    board = leaderboard(compared).set_index("id")
    values = [run.result().metrics["NDCG@10 (uni100)"] for run in ours]
    assert board.loc[ours[1].id, "NDCG@10"] == pytest.approx(np.mean(values)) and board.loc[ours[1].id, "seeds"] == 3
    assert seeds(compared).groupby("id").value.mean()[ours[1].id] == pytest.approx(np.mean(values))
    row = pairs(compared).iloc[0]
    assert row["on"] == "designs" and row.verdict == "different" and row.p_seeds < 0.05
    assert len(cost(compared)) == len(curves(compared).run.unique()) == 5
    only = load(ours)
    assert pairs(only).empty and list(pairs(only).columns) == list(pairs(compared).columns)


def test_every_model_of_the_registry_can_be_compared(movies):
    """A new model is here by its line in the registry."""
    text = {name: "title" if kind.reads_text else None for name, kind in MODELS.items()}
    compared = load([made_run(uniform(20), name, design=text[name]) for name in MODELS])
    titles = [kind.title for kind in MODELS.values()]
    assert [entry.label.split(" · ")[0] for entry in compared.entries] == titles
    assert not {"popularity", "random"} & {entry.label for entry in compared.references}
    known = cost(compared).set_index("run").parameters
    tested = pairs(compared)
    for entry in compared.entries:
        spec, mine = entry.runs[0].spec, tested[(tested.a == entry.id) | (tested.b == entry.id)]
        drawn = spec.trains and spec.model.with_seed(1) != spec.model
        assert drawn == (set(mine["on"]) == {"these trainings"}), "one seed cannot tell luck from design"
        if not spec.trains:
            assert (known[entry.id] > 1e6) == spec.reads_text, "the language model's weights, or none"


def test_a_model_in_closed_form_costs_its_weights(movies, small_t5):
    spec = plan_run(movies.name, parse_design("title"), str(small_t5), budget="smoke", model="linear-probe")
    small = spec.model.model_copy(update={"settings": spec.model.settings.model_copy(update={"directions": 8})})
    run = finish(spec.model_copy(update={"model": small, "candidates": CandidateSpec(users=50)}))
    row = cost(load([run])).iloc[0]
    assert row.parameters == 2 * 8 * 8 and row.instances == 50 and row.seconds > 0
    assert load([run]).entries[0].label == "Linear probe · title"


def test_a_sample_of_users_and_all_of_them_meet_on_the_sample(movies):
    upsr, rival = made_run(uniform(20), "upsr", design="title"), made_run(uniform(20))
    compared = load([rival, upsr])
    users = upsr.spec.candidates.users
    assert len(compared.instances) == users and compared.of == len(movies.users)
    parts = split(movies, SplitSpec())
    few = candidates_for(movies, parts, CandidateSpec(users=users))
    every = candidates_for(movies, parts, CandidateSpec())
    place = every.instances.reset_index().set_index("user")["index"][few.instances.user].to_numpy()
    np.testing.assert_array_equal(few.negatives, every.negatives[place])
    own = leaderboard(compared).set_index("id").loc[rival.id, "NDCG@10"]
    table = rival.per_user()
    mine = table[(table.score == "score") & table.user.isin(few.instances.user)]
    assert own == pytest.approx(mine["NDCG@10"].mean())
    found = indicators(compared)
    assert set(found) == {upsr.id} and found[upsr.id]["informativeness"].value > 1


def test_what_cannot_be_compared_is_refused_with_the_reason(movies):
    pantry = import_dataset("pantry", *sample_files("pantry"), preparation=PreparationSpec.new_domain())
    first = made_run(uniform(10))
    waiting = create_run(plan_run(movies.name, model="bert4rec", mode="uni100"))
    full = made_run(uniform(10), candidates=CandidateSpec(mode="full"))
    drawn = made_run(uniform(10), candidates=CandidateSpec(seed=7))
    last = made_run(uniform(10), split=SplitSpec(kind="leave-last-k", k=2))
    other = create_run(first.spec.model_copy(update={"dataset": DatasetRef(name="pantry", content=pantry.digest)}))
    (other.folder / "result.json").write_text((first.folder / "result.json").read_text())
    for run, reason in (
        (waiting, "not finished"), (full, "mode full instead of uni100"), (drawn, "seed 7 instead of 0"),
        (last, "leave-last-k with k = 2"), (other, "the other dataset 'pantry'"),
    ):  # fmt: skip
        with pytest.raises(RunError, match=f"run {run.id}.*{reason}"):
            load([first, run])
    compared = load([first, full, drawn], strict=False)
    assert compared.runs == (first,) and set(compared.refused) == {full.id, drawn.id}
    with pytest.raises(RunError, match="cannot be compared"):
        load([waiting])


def test_who_moved_and_slices(movies):
    good = made_run(lambda rng, count: np.where(np.arange(count) < 30, 0, 40))
    bad = made_run(lambda rng, count: np.where(np.arange(count) == 31, 0, 40), "bert4rec")
    compared = load([good, bad])
    table = movers(compared, *compared.entries)
    assert (table.change > 0).sum() == 30 and (table.change < 0).sum() == 1 and table.change.iloc[0] == 1
    loser = table[table.change < 0].iloc[0]
    assert loser.user == 31 and loser.user_id == movies.users[31] and loser.gained == -40
    for by in SLICES:
        sliced, what = slices(compared, by)
        assert sliced.groupby("id").instances.sum().eq(len(movies.users)).all() and what
        mean = (sliced.value * sliced.instances).groupby(sliced.id).sum() / len(movies.users)
        assert mean[good.id] == pytest.approx(good.result().metrics["NDCG@10 (uni100)"])
        assert (sliced[sliced.id == good.id].difference == 0).all()
    lengths, _ = slices(compared, "history")
    edges = lengths.slice.drop_duplicates().tolist()
    assert edges == sorted(edges, key=lambda name: int(name.split(" ")[0])), "short histories first"


def test_export_is_whole_and_comes_again(movies, tmp_path):
    runs = [made_run(uniform(10)), made_run(uniform(20), "popularity")]
    compared = load(runs)
    folder = export(compared, tmp_path / "out", "HR@10")
    names = {file.name for file in folder.iterdir()}
    assert {"figure.html", "leaderboard.csv", "pairs.csv", "instances.csv", "slices.csv", "versions.json"} <= names
    assert "Plotly.downloadImage" in (folder / "figure.html").read_text()
    if browser():
        assert (folder / "figure.png").read_bytes()[:4] == b"\x89PNG"
        assert "SASRec, cross-entropy" in (folder / "figure.svg").read_text()
    each = pd.read_csv(folder / "instances.csv")
    assert each["SASRec, cross-entropy"].mean() == pytest.approx(runs[0].result().metrics["HR@10 (uni100)"])
    specs, metric = exported(folder)
    assert [spec.digest for spec in specs] == [run.id for run in runs] and metric == "HR@10"
    assert zipped(folder).stat().st_size > 1000 and f"run={runs[1].id}" in link(compared, metric)
    with pytest.raises(RunError, match="there already"):
        export(compared, folder)
    with pytest.raises(RunError, match="no exported comparison"):
        exported(tmp_path)


def test_the_command(movies, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    runs = [made_run(uniform(10)), made_run(uniform(40), "bert4rec")]
    out = CliRunner().invoke(app, ["compare", *(run.id[:7] for run in runs), "--by", "cold", "--json"])
    assert out.exit_code == 0, out.output
    record = json.loads(out.output.splitlines()[-1])
    assert record["pairs"][0]["verdict"] == "different" and record["mode"] == "uni100"
    assert {row["slice"] for row in record["slices"]} <= {"trained on", "cold"}
    for arguments, reason in (
        (["compare"], "Nothing to compare"), (["compare", runs[0].id, "--metric", "AUC"], "no metric 'AUC'"),
        (["compare", runs[0].id, "--by", "age"], "no slice 'age'"), (["compare", "zzz"], "no run 'zzz'"),
    ):  # fmt: skip
        result = CliRunner().invoke(app, arguments)
        assert isinstance(result.exception, RunError) and reason in str(result.exception)


def test_an_exported_comparison_makes_what_is_missing(movies, tmp_path, monkeypatch):
    monkeypatch.setattr("upsr_core.export.figure_files.browser", lambda: None)
    from typer.testing import CliRunner

    from upsr_core.runs.run import delete_run

    run = made_run(uniform(9), "popularity")
    folder = export(load([run]), tmp_path / "out")
    delete_run(run)
    out = CliRunner().invoke(app, ["compare", "--again", str(folder)])
    assert out.exit_code == 0, out.output
    result = run.result()
    assert result.metrics == result.references["popularity"] and result.peak_memory_mib > 10


def test_a_chromium_that_draws_nothing_is_named(movies, tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/bin/false")
    folder = export(load([made_run(uniform(10))]), tmp_path / "out")
    assert "not drawn as PNG or SVG: /bin/false ended with 1" in (folder / "README.txt").read_text()
    assert not (folder / "figure.png").exists() and (folder / "figure.html").exists()
