"""Table 3: UPSR against models of item ids and UniSRec, on new and on pre-training domains."""

from upsr_core.datasets.store import load_dataset
from upsr_core.paper.experiment import Cell, Claim, Experiment, ExperimentSpec, Outcome, design_of, planned
from upsr_core.paper.grid import Finished, collected
from upsr_core.paper.published_values import block, found_on
from upsr_core.paper.text_indicators import letter_notes
from upsr_core.runtime import Progress

IDS = {"BERT4Rec": "bert4rec", "SASRec": "sasrec-ce"}
LANGUAGE = ("UPSR (T5)", "UPSR (FLAN-T5)")
COLUMNS = ("BERT4Rec", "SASRec", "UniSRec", *LANGUAGE)


def cells(spec: ExperimentSpec) -> list[Cell]:
    made = []
    for dataset in spec.datasets:
        design = design_of(load_dataset(dataset), "CTD")
        for column, model in IDS.items():
            made += planned(spec, dataset, column, model=model)
        made += planned(spec, dataset, "UniSRec", design, model="unisrec", pretrain_on=spec.pretrain_on)
        for column, plm in zip(LANGUAGE, spec.plms, strict=False):
            made += planned(spec, dataset, column, design, plm=plm, pretrain_on=spec.pretrain_on)
    return made


def collect(spec: ExperimentSpec, finished: Finished, progress: Progress) -> Outcome:
    notes = ["As in the paper, instances whose target no training event has are left out."]
    if not spec.pretrain_on:
        notes.append(
            "Nothing was pre-trained: UPSR and UniSRec learn the dataset directly; the paper's had four domains."
        )
    seen = [name for name in spec.datasets if name in spec.pretrain_on]
    if seen:
        notes.append(f"Pre-training domains: {', '.join(seen)}. The others are new.")
    notes.append(
        "SASRec learns by cross-entropy over all items, which is stronger than the loss it was published with."
    )
    return collected(EXPERIMENT, spec, finished, notes=(*letter_notes(spec), *notes), warm=True)


EXPERIMENT = Experiment(
    "table3",
    "Table 3: models on new and pre-training domains",
    "Is UPSR above the models of item ids and UniSRec, most of all at the first place?",
    cells,
    collect,
    COLUMNS,
    block("Table 3", COLUMNS),
    tuple(
        Claim(LANGUAGE[0], other, metric, found_on("Table 3", LANGUAGE[0], other, metric))
        for metric in ("NDCG@1", "NDCG@10")
        for other in ("SASRec", "BERT4Rec", "UniSRec")
    ),
    pretrains="may",
    plms=2,
)
