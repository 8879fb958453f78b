"""From the finished runs of a grid to its table, its figure, and what became of the paper's claims."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from upsr_core.comparison.compare import ALPHA, DESIGNS, TRAININGS, leaderboard, pairs
from upsr_core.comparison.entries import Compared, load
from upsr_core.evaluation.metrics import named
from upsr_core.evaluation.statistics import difference_over_seeds, holm, mean_interval, randomisation_test
from upsr_core.evaluation.verdicts import NO, NOT_SHOWN
from upsr_core.export.figure_style import grouped
from upsr_core.models.upsr import UpsrSpec
from upsr_core.paper.experiment import SHOWN, Cell, Claim, Experiment, ExperimentSpec, Outcome, published
from upsr_core.paper.published_values import said
from upsr_core.runs.run import Run

AS_PAPER, OTHERWISE, UNCLEAR = "as in the paper", "the other way round", "not told apart"
Finished = list[tuple[Cell, Run]]


def by_dataset(finished: Finished, warm: bool = False) -> dict[str, tuple[Compared, dict[str, str]]]:
    """Every dataset's runs compared, and of every entry's id the column where it stands.

    `warm` leaves out the instances whose target no training event has, as the paper does beside models of item ids.
    """
    found = {}
    for dataset in dict.fromkeys(cell.dataset for cell, _ in finished):
        mine = [(cell, run) for cell, run in finished if cell.dataset == dataset]
        compared = load([run for _, run in mine])
        columns = {run.id: cell.column for cell, run in mine}
        if warm:
            compared = compared.at(~compared.instances.cold.to_numpy())
        found[dataset] = compared, {entry.id: columns[entry.id] for entry in compared.entries}
    return found


def measures(finished: Finished, metrics: tuple[str, ...] = SHOWN, warm: bool = False) -> pd.DataFrame:
    """Long: dataset, row (metric with its mode), column, value, low, high in percent (NaN where no interval holds)."""
    rows = []
    for dataset, (compared, columns) in by_dataset(finished, warm).items():
        board = leaderboard(compared).set_index("id")
        for metric in metrics:
            for entry_id, column in columns.items():
                found = board.loc[entry_id]
                row = {"dataset": dataset, "row": named(metric, compared.mode), "column": column}
                numbers = {"value": metric, "low": f"{metric}_low", "high": f"{metric}_high"}
                rows.append(row | {name: 100 * found[source] for name, source in numbers.items()})
    return pd.DataFrame(rows)


def wide(long: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The paper's form: dataset, row, a value in every column; NaN where a cell has none."""
    rows = []
    for (dataset, row), part in long.groupby(["dataset", "row"], sort=False):
        values = part.set_index("column").value
        rows.append({"dataset": dataset, "row": row} | {name: values.get(name, np.nan) for name in columns})
    return pd.DataFrame(rows, columns=["dataset", "row", *columns])


def verdicts(finished: Finished, claims: tuple[Claim, ...], warm: bool = False) -> list[dict]:
    """What became of the paper's claims on each dataset, for `judged`."""
    rows = []
    for dataset, (compared, columns) in by_dataset(finished, warm).items():
        ids = {column: entry_id for entry_id, column in columns.items()}
        tables = {metric: pairs(compared, metric) for metric in {claim.metric for claim in claims}}
        for claim in claims:
            if claim.better not in ids or claim.worse not in ids:
                continue  # a second language model was not asked for
            a, b, table = ids[claim.better], ids[claim.worse], tables[claim.metric]
            found = table[table.a.isin([a, b]) & table.b.isin([a, b])].iloc[0]
            sign = 100 if found.a == a else -100
            low, high = sorted((sign * found.low + 0.0, sign * found.high + 0.0))
            row = {"dataset": dataset, "claim": f"{claim.better} above {claim.worse}, {claim.metric}"}
            row |= {"paper": claim.where, "difference": sign * found.difference + 0.0, "low": low, "high": high}
            row["why"] = found.why
            rows.append(row | {"p": float(np.nanmax([found.p, found.p_seeds])), "on": found["on"]})
    return rows


def tested(ours: np.ndarray, theirs: np.ndarray) -> dict:
    """What one side gains over the other, (seeds, users) each in percent: difference with low, high, p, and what it is
    on, as `compare.pairs` has them; a single row beside several stands for what no seed changes."""
    gain = ours.mean(axis=0) - theirs.mean(axis=0)
    found, p, on = mean_interval(gain), randomisation_test(gain), TRAININGS
    if max(len(ours), len(theirs)) > 1:
        found = difference_over_seeds(ours, theirs)
        p, on = max(p, found["p"]), DESIGNS
    return {"difference": found["mean"], **{part: found[part] for part in ("low", "high", "why")}, "p": p, "on": on}


def judged(rows: list[dict]) -> pd.DataFrame:
    """Claims with their differences and p values as a table with a verdict on each.

    Columns: dataset, claim, paper (where the paper found it), difference with low, high (percentage points; NaN where
    no interval holds, and why), p
    (corrected over the claims of a dataset, Holm), verdict, on (designs, or these trainings alone).
    """
    names = ["dataset", "claim", "paper", "difference", "low", "high", "why", "p", "verdict", "on"]
    table = pd.DataFrame(rows, columns=names).astype({"low": float, "high": float})
    for _, part in table.groupby("dataset", sort=False):
        table.loc[part.index, "p"] = holm(part.p.to_numpy(dtype=float))
    apart = (table.p < ALPHA) & ~((table.low <= 0) & (table.high >= 0))
    table["verdict"] = np.where(~apart, UNCLEAR, np.where(table.difference > 0, AS_PAPER, OTHERWISE))
    return table


def picture(long: pd.DataFrame, metrics: int = 3) -> go.Figure:
    """The first metrics of every dataset, one series per column, with 95 % intervals."""
    shown = long[long.row.isin(list(dict.fromkeys(long.row))[:metrics])]
    several = shown.dataset.nunique() > 1
    at = shown.dataset + "<br>" + shown.row if several else shown.row
    table = shown.assign(at=at, label=shown.column)
    title = f"%, 95 % interval, {shown.dataset.iloc[0]}" if not several else "%, 95 % interval"
    return grouped(table, "", title, height=380, lines=False)


def scale_notes(spec: ExperimentSpec, finished: Finished, warm: bool = False) -> tuple[str, ...]:
    """In words, how ours differs from the paper's experiment in scale."""
    notes = []
    for dataset, (compared, columns) in by_dataset(finished, warm).items():
        data = compared.first.spec.dataset.load()
        made = ", synthetic" if data.synthetic else ""
        notes.append(
            f"{dataset}{made}: {len(data.users):,} users, {len(data.items):,} items; {len(compared.instances):,} of "
            f"{compared.of:,} test instances, {spec.size.seeds} seed{'s' if spec.size.seeds > 1 else ''}."
        )
        common = [
            columns[row.id]
            for row in leaderboard(compared).itertuples()
            if row.uses_history in (NOT_SHOWN, NO) and isinstance(compared.entry(row.id).runs[0].spec.model, UpsrSpec)
        ]
        if common:
            notes.append(
                f"Not shown to use the history on {dataset}: {'; '.join(common)}. The right history cannot be shown to "
                "help there, so what is gained may be popularity alone."
            )
    trained = next((run.spec.model.training for _, run in finished if isinstance(run.spec.model, UpsrSpec)), None)
    if trained is not None:
        first = f" after {trained.pretrain_tokens:,} on {', '.join(spec.pretrain_on)}" if spec.pretrain_on else ""
        batch = f"{trained.batch} histories" if trained.batch else f"{trained.batch_tokens:,} tokens"
        notes.append(
            f"Ours: language model {spec.plm}, {trained.tokens:,} tokens of training at most{first}, recipe "
            f"{spec.recipe} (learning rate {trained.learning_rate:g}, {batch} a batch). The paper's: T5-base "
            f"({said('parameters of T5-base')} million parameters), {said('epochs of pre-training')} epochs of "
            f"pre-training, tuned until NDCG@10 of validation falls (learning rate {said('learning rate'):g}, "
            f"{said('batch of fine-tuning')} histories a batch)."
        )
    return tuple(notes)


def collected(
    experiment: Experiment, spec: ExperimentSpec, finished: Finished, more: pd.DataFrame | None = None,
    notes: tuple[str, ...] = (), warm: bool = False,
) -> Outcome:  # fmt: skip
    """The outcome of a grid whose cells are runs; `more` are further rows, dataset, row and columns;
    `warm` as in `by_dataset`."""
    long = measures(finished, warm=warm)
    table = wide(long, experiment.columns)
    if more is not None:
        table = pd.concat([table, more], ignore_index=True).sort_values("dataset", kind="stable", ignore_index=True)
    beside = pd.concat([table, published(experiment)], ignore_index=True)
    notes = (*scale_notes(spec, finished, warm), *notes)
    return Outcome(table, beside, picture(long), judged(verdicts(finished, experiment.claims, warm)), notes)
