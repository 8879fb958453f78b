"""Figure 3: the last three items of every user, predicted from what came before them all."""

import pandas as pd

from upsr_core.datasets.splits import SplitSpec
from upsr_core.datasets.store import load_dataset
from upsr_core.evaluation.statistics import mean_interval, randomisation_test
from upsr_core.experiments.comparison.compare import DESIGNS, TRAININGS
from upsr_core.experiments.paper.base import Cell, Experiment, ExperimentSpec, Outcome, design_of, planned, published
from upsr_core.experiments.paper.grid import Finished, by_dataset, judged, scale_notes, wide
from upsr_core.figures import grouped
from upsr_core.runtime import Progress

MODELS = {"UPSR": "upsr", "SASRec": "sasrec-ce", "BERT4Rec": "bert4rec"}
STEPS = (1, 2, 3)
LOSS = "NDCG@1 lost from next-1 to next-3, % of it"


def cells(spec: ExperimentSpec) -> list[Cell]:
    last = {"changes": {"split": SplitSpec(kind="leave-last-k", k=len(STEPS))}}
    return [
        cell
        for dataset in spec.datasets
        for column, model in MODELS.items()
        for cell in planned(
            spec,
            dataset,
            column,
            design_of(load_dataset(dataset), "CTD") if model == "upsr" else None,
            model=model,
            **last,
        )
    ]


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    long, losses, claims = [], [], []
    for dataset, (compared, columns) in by_dataset(finished).items():
        step = compared.instances.step.to_numpy()
        values = {columns[entry.id]: 100 * entry.users("NDCG@1") for entry in compared.entries}
        several = spec.size.seeds > 1
        for column, each in values.items():
            for number in STEPS:
                found = mean_interval(each[step == number])
                long.append({"dataset": dataset, "row": f"NDCG@1 (uni100), next-{number}", "column": column, **found})
        at_first = {name: each[step == 1].mean() for name, each in values.items()}
        lost = {
            name: 100 * (1 - each[step == 3].mean() / at_first[name]) if at_first[name] else float("nan")
            for name, each in values.items()
        }
        losses.append({"dataset": dataset, "row": LOSS, **lost})
        for other in ("SASRec", "BERT4Rec"):
            gain = values["UPSR"] - values[other]
            of_user = compared.instances.assign(gain=gain).pivot(index="user", columns="step", values="gain")
            later = (of_user[3] - of_user[1]).to_numpy()  # the same users at both steps: each against itself
            found = mean_interval(later)
            claims.append({
                "difference": found["mean"], "low": found["low"], "high": found["high"], "p": randomisation_test(later),
                "dataset": dataset, "claim": f"UPSR loses less than {other}, NDCG@1 from next-1 to next-3",
                "paper": "three domains", "on": DESIGNS if several else TRAININGS,
            })  # fmt: skip
    means = pd.DataFrame(long).rename(columns={"mean": "value"})
    table = pd.concat([wide(means, EXPERIMENT.columns), pd.DataFrame(losses)], ignore_index=True)
    table = table.sort_values("dataset", kind="stable", ignore_index=True)
    several = len(spec.datasets) > 1
    at = means.row.str.rsplit(" ", n=1).str[1]
    shown = means.assign(at=means.dataset + "<br>" + at if several else at, label=means.column)
    figure = grouped(shown, "", "NDCG@1 (uni100), %, 95 % interval", height=380, lines=not several)
    beside = pd.concat([table, published(EXPERIMENT)], ignore_index=True)
    notes = (*scale_notes(spec, finished), "The paper gives the values as a picture; its text names the losses.")
    return Outcome(table, beside, figure, judged(claims), notes)


EXPERIMENT = Experiment(
    "figure3",
    "Figure 3: next-1, next-2, next-3",
    "Does the quality of language hold longer than that of item ids?",
    cells,
    collect,
    tuple(MODELS),
    {"three domains": {LOSS: (4.3, 12.9, 10.6)}},
)
