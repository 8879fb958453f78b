"""The ranked candidates of one user from the stored scores of a run, and the best of the whole catalogue."""

from pathlib import Path

import numpy as np
import pandas as pd

from upsr_core.datasets.splits import split, training_counts
from upsr_core.datasets.store import Dataset
from upsr_core.errors import RunError
from upsr_core.evaluation.candidates import candidates_for
from upsr_core.models.base import Ranker
from upsr_core.runs.run import Run
from upsr_core.text.render import render


def load_ranker(run: Run) -> Ranker:
    """The ranker of a run: its trained model, or the model as it is where nothing is trained.

    Raises RunError where the run trains and its model is not there.
    """
    spec, dataset = run.spec, run.spec.dataset.load()
    parts = split(dataset, spec.split)
    return spec.kind.open(spec.model, dataset, parts, spec.candidates.mode, trained_model(run))


def trained_model(run: Run) -> Path | None:
    """The folder of what a run has trained; None where it trains nothing. Raises RunError where it is not there."""
    if run.model_folder.exists():
        run.check_model()
        return run.model_folder
    if run.spec.trains:
        where = str(run.model_folder)
        raise RunError(f"Run {run.id} has no trained model", where, "Delete the run and start it again.")
    return None


def top_of_catalogue(run: Run, ranker: Ranker, user: int, k: int = 10) -> tuple[pd.DataFrame, str]:
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
    perplexity = np.exp(-scores) if run.spec.model.own_score == "perplexity" else np.full(len(scores), np.nan)
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
    table = table[table.score == run.spec.model.own_score].reset_index(drop=True)
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
    if not run.spec.reads_text:
        titles = items.get("title", items.item_id)
        return [title or item_id for title, item_id in zip(titles, items.item_id, strict=True)]
    design = run.spec.design.finetune
    return [render(design, row)[0] for row in items[list(design.attributes)].to_dict("records")]


def ranked(run: Run, user: int, score: str | None = None) -> pd.DataFrame:
    """The candidates of a user (index), best first, for the test instance that the run evaluated.

    Columns: rank (expected rank in ties), of (how many candidates were ranked), item (index), item_id, title, text,
    target, score, popularity (training events), and what the model has to say besides, see `Model.details`. Of a whole
    catalogue that the model scores at once the best candidates and the target are there. `score` names the score to
    rank by: one of the model's, popularity, or None for the run's own. Raises RunError where the run is not finished
    or did not evaluate this user.
    """
    spec = run.spec
    kind, score = spec.kind, score or spec.model.own_score
    if score not in (allowed := (*kind.scores, "popularity")):
        raise RunError(f"There is no score {score!r}", how=f"Choose among {', '.join(allowed)}.")
    table, dataset = run.scores(), spec.dataset.load()
    mine = table[table.user == user]
    if mine.empty:
        evaluated = table.user.unique()
        name = repr(dataset.users[user]) if 0 <= user < len(dataset.users) else f"with index {user}"
        raise RunError(
            f"The user {name} was not evaluated in run {run.id}",
            f"{len(evaluated)} of {len(dataset.users)} users were, such as {dataset.users[int(evaluated[0])]!r}",
            "Choose one of those; the page Users lists them.",
        )
    mine = kind.with_scores(mine[mine.row == mine.row.iloc[0]], spec.candidates.mode)
    details = kind.details(mine)
    mine = mine.assign(score=mine.popularity.astype(float) if score == "popularity" else mine[score])
    if "rank" in mine:  # not all that was ranked is stored
        mine = _among_all(run, dataset, mine, score)
    else:
        mine = mine.assign(rank=mine.score.rank(ascending=False, method="average"), of=len(mine))
    items = dataset.items.iloc[mine.item.to_numpy()]
    known = {"item_id": items.item_id.to_numpy(), "text": item_texts(run, items)}
    known["title"] = items.title.to_numpy() if "title" in items else ""
    mine = mine.assign(**known, **details)
    columns = ["rank", "of", "item", "item_id", "title", "text", "target", "score", "popularity", *details]
    return mine.sort_values(["rank", "item"])[columns].reset_index(drop=True)


def _among_all(run: Run, dataset: Dataset, mine: pd.DataFrame, score: str) -> pd.DataFrame:
    """Ranks among everything that was ranked: as they were stored, or by popularity."""
    parts = split(dataset, run.spec.split)
    everything = candidates_for(dataset, parts, run.spec.candidates).items(int(mine.row.iloc[0]))
    if score == "popularity":
        counts = pd.Series(training_counts(dataset, parts)[everything], index=everything)
        mine = mine.assign(rank=counts.rank(ascending=False, method="average")[mine.item].to_numpy())
    return mine.assign(of=len(everything))


def own_scores(run: Run, whole: bool = False) -> pd.DataFrame:
    """The stored candidates of a run with its own score: row, user, item, target, score, popularity, tokens if any.

    `whole` gives only instances of which every candidate is stored: a sample of them where the best of a catalogue
    are stored of all.
    """
    sample = run.catalogue_scores() if whole else pd.DataFrame()
    table = sample if len(sample) else run.spec.kind.with_scores(run.scores(), run.spec.candidates.mode)
    table = table.assign(score=table[run.spec.model.own_score])
    return table[[name for name in ("row", "user", "item", "target", "score", "popularity", "tokens") if name in table]]
