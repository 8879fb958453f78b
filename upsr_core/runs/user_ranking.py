"""The ranked candidates of one user from the stored scores of a run, and the best of the whole catalogue."""

from pathlib import Path

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import Split, split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import candidates_for
from upsr_core.likelihood.scores import SCORES, ScoreSpec, prior_of
from upsr_core.runs.run import Run
from upsr_core.runs.spec import RunSpec
from upsr_core.text.render import render


def load_ranker(run: Run):
    """The ranker of a run: its trained model, or the model as it is where nothing is trained.

    Raises RunError where the run trains and its model is not there.
    """
    spec = run.spec
    if spec.info.task != "likelihood":
        from upsr_core.models.factory import new_ranker, stored_ranker

        trained, dataset = trained_model(run), spec.dataset.load()
        parts = split(dataset, spec.split)
        return stored_ranker(trained, dataset, parts) if trained else new_ranker(spec.model, None, dataset, parts)
    model, dataset = load_language_model(run), spec.dataset.load()
    return likelihood_ranker(spec, model, dataset, split(dataset, spec.split), spec.candidates.mode)


def likelihood_ranker(spec: RunSpec, model, dataset: Dataset, parts: Split, mode: str):
    """The ranker of a run of UPSR with this T5, for candidates of this mode."""
    from upsr_core.models.upsr import Upsr
    from upsr_core.plm.loading import load_tokenizer

    prior = prior_of(training_counts(dataset, parts), mode)
    return Upsr(model, load_tokenizer(spec.plm.name), dataset, spec.design, spec.score, prior)


def load_language_model(run: Run):
    """The T5 of a run of UPSR: trained, or as it is where nothing is trained. Raises RunError as `load_ranker`."""
    from upsr_core.plm.loading import load_model

    return load_model(str(trained_model(run) or run.spec.plm.name), run.spec.score.dtype)


def trained_model(run: Run) -> Path | None:
    """The folder of what a run has trained; None where it trains nothing. Raises RunError where it is not there."""
    if run.model_folder.exists():
        run.check_model()
        return run.model_folder
    if run.spec.trains:
        where = str(run.model_folder)
        raise RunError(f"Run {run.id} has no trained model", where, "Delete the run and start it again.")
    return None


def top_of_catalogue(run: Run, ranker, user: int, k: int = 10) -> tuple[pd.DataFrame, str]:
    """The k best items of the whole catalogue for the test instance of a user, and how they were found.

    `ranker` is what `load_ranker` gives. Columns: rank, item_id, text, target (the item that the user took), score,
    perplexity (NaN where the run's score is another one). Items of the history are left out. Raises RunError where
    the user has no test instance.
    """
    dataset = run.spec.dataset.load()
    test = split(dataset, run.spec.split).test
    mine = test[test.user == user]
    if run.result() is not None:  # of several instances the one that was evaluated, as `ranked` shows it
        evaluated = evaluated_users(run)
        mine = pd.concat([evaluated[evaluated.user == user], mine])
    if mine.empty:
        raise RunError(
            f"The user {dataset.users[user]!r} has no test instance",
            f"the split {run.spec.split.kind} leaves out short histories",
            "Choose a user with more events.",
        )
    instance = mine.iloc[0]
    items, scores, note = ranker.top(dataset.history(user)[: int(instance.end)], k)
    perplexity = np.exp(-scores) if run.spec.own_score == "perplexity" else np.full(len(scores), np.nan)
    table = pd.DataFrame(
        {
            "rank": pd.Series(scores).rank(ascending=False, method="min").astype(int),
            "item_id": dataset.items.item_id.to_numpy()[items],
            "text": item_texts(run, dataset.items.iloc[items]),
            "target": items == int(instance.target),
            "score": scores,
            "perplexity": perplexity,
        }
    )
    return table, note


def evaluated_users(run: Run) -> pd.DataFrame:
    """The evaluated instances of a finished run under its own score.

    Columns: row, user (index), user_id, end, target (item index), cold, rank, ties and the metrics.
    """
    table = run.per_user()
    table = table[table.score == run.spec.own_score].reset_index(drop=True)
    return table.assign(user_id=np.asarray(run.spec.dataset.load().users)[table.user.to_numpy()])


def find_user(dataset: Dataset, user_id: str) -> int:
    """The index of a user id. Raises RunError where the dataset has no such user."""
    found = np.flatnonzero(np.asarray(dataset.users) == user_id)
    if not len(found):
        raise RunError(
            f"The dataset {dataset.name!r} has no user {user_id!r}",
            how=f"A user of it is {dataset.users[0]!r}; the page Users lists those that were evaluated.",
        )
    return int(found[0])


def item_texts(run: Run, items: pd.DataFrame) -> list[str]:
    """Items as the run's model reads them, or by their title, else their id, where it reads no text."""
    if not run.spec.info.text:
        titles = items.get("title", items.item_id)
        return [title or item_id for title, item_id in zip(titles, items.item_id, strict=True)]
    design = run.spec.design.finetune
    return [render(design, row)[0] for row in items[list(design.attributes)].to_dict("records")]


def ranked(run: Run, user: int, score: str | None = None) -> pd.DataFrame:
    """The candidates of a user (index), best first, for the test instance that the run evaluated.

    Columns: rank (expected rank in ties), of (how many candidates were ranked), item (index), item_id, title, text,
    target, score, popularity (training events); of a likelihood also perplexity, conditional, posterior, tokens and
    identical (shares its text, as cut, with another candidate). Where the whole catalogue was ranked by a model that
    scores it at once, the best candidates and the target are there. `score` names the score to rank by: one of the
    model's, popularity, or None for the run's own. Raises RunError where the run is not finished or did not evaluate
    this user.
    """
    score, allowed = score or run.spec.own_score, (*run.spec.info.scores, "popularity")
    if score not in allowed:
        raise RunError(f"There is no score {score!r}", how=f"Choose among {', '.join(allowed)}.")
    table, dataset = run.scores(), run.spec.dataset.load()
    mine = table[table.user == user]
    if mine.empty:
        evaluated = table.user.unique()
        name = repr(dataset.users[user]) if 0 <= user < len(dataset.users) else f"with index {user}"
        raise RunError(
            f"The user {name} was not evaluated in run {run.id}",
            f"{len(evaluated)} of {len(dataset.users)} users were, such as {dataset.users[int(evaluated[0])]!r}",
            "Choose one of those; the page Users lists them.",
        )
    mine = mine[mine.row == mine.row.iloc[0]].copy()
    likelihood = run.spec.info.task == "likelihood"
    mine = _by_likelihood(run, mine, score) if likelihood else _by_score(run, dataset, mine, score)
    items = dataset.items.iloc[mine.item.to_numpy()]
    mine["item_id"] = items.item_id.to_numpy()
    mine["title"] = items.title.to_numpy() if "title" in items else ""
    mine["text"] = item_texts(run, items)
    columns = ["rank", "of", "item", "item_id", "title", "text", "target", "score", "popularity"]
    columns += [*SCORES, "tokens", "identical"] if likelihood else []
    return mine.sort_values(["rank", "item"])[columns].reset_index(drop=True)


def _by_likelihood(run: Run, mine: pd.DataFrame, score: str) -> pd.DataFrame:
    """Scores and ranks from the stored log-probabilities of all candidates."""
    sums = [mine[name].to_numpy() for name in ("logprob", "tokens", "unconditional")]
    sums.append(prior_of(mine.popularity.to_numpy(), run.spec.candidates.mode))
    by = {name: ScoreSpec(name=name).apply(*sums) for name in SCORES}
    # Lower perplexity is better, every score is better when it is higher.
    mine = mine.assign(**by | {"perplexity": np.exp(-by["perplexity"])})
    mine["score"] = mine.popularity.astype(float) if score == "popularity" else by[score]
    mine["rank"], mine["of"] = mine.score.rank(ascending=False, method="average"), len(mine)
    mine["identical"] = mine.duplicated(["logprob", "unconditional", "tokens"], keep=False)
    return mine


def _by_score(run: Run, dataset: Dataset, mine: pd.DataFrame, score: str) -> pd.DataFrame:
    """Stored ranks, or ranks by popularity among everything that was ranked."""
    parts = split(dataset, run.spec.split)
    test = candidates_for(dataset, parts, run.spec.candidates)
    if run.result()["candidates"] != test.digest:
        raise RunError(
            f"Run {run.id} was evaluated by an older version",
            "with targets that users had taken before",
            "Delete it and start it again.",
        )
    ranked = test.items(int(mine.row.iloc[0]))
    if score == "popularity":
        counts = pd.Series(training_counts(dataset, parts)[ranked], index=ranked)
        mine["rank"] = counts.rank(ascending=False, method="average")[mine.item].to_numpy()
        mine["score"] = mine.popularity.astype(float)
    mine["of"] = len(ranked)
    return mine
