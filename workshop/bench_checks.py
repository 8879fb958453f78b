"""`upsr bench`, how right: statistics, control, explanations where the truth is known, rivals beside published code."""

from typing import Annotated

import typer

from workshop.bench import Dataset, Design, Json, Plm, benchmarks, console, say, show


@benchmarks.command("statistics")
def statistics(
    pairs: Annotated[int, typer.Option(min=10, help="Simulated pairs of models for each figure.")] = 1000,
    as_json: Json = False,
) -> None:
    """Statistics where the truth is known: coverage of intervals, false alarms of two seeds, verdicts by chance.

    The coverage of every number of users, mode, rate of hits, targets a user and metric takes some minutes.
    """
    from workshop.benchmarks.statistics import bench

    with console.status("simulating") as status:
        result = bench(pairs, say(status))
    show(result, as_json, hide=("cells",))


@benchmarks.command("control")
def control(
    dataset: Annotated[str, typer.Option(help="Whose histories are dealt out anew.")] = "sample:movies",
    design: Design = "category,title,brand",
    model: Annotated[str, typer.Option(help="`upsr models` lists them.")] = "linear-probe",
    budget: Annotated[str, typer.Option(help="Of a trial: smoke, first-look, quick, standard or zero-shot.")] = "smoke",
    seeds: Annotated[int, typer.Option(min=1, help="Trials of each, in each mode.")] = 60,
    as_json: Json = False,
) -> None:
    """Trials said to use the history, of a dataset as it is and where its histories, dealt out at random, tell nothing.

    In all three modes.
    """
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.models.registry import model_named
    from upsr_core.runs.spec import plan_run
    from upsr_core.text.design import parse_design
    from workshop.benchmarks.control import bench

    ensure_sample()
    text = parse_design(design) if model_named(model).reads_text else None

    def plan(name: str, seed: int, mode: str):
        return plan_run(name, text, "embedded", budget, mode=mode, seed=seed, model=model)

    with console.status("measuring") as status:
        result = bench(dataset, plan, seeds, say(status))
    show(result, as_json, hide=("table",))


@benchmarks.command("explain")
def explain(
    dataset: Dataset = "sample:movies",
    design: Design = "category,title,brand",
    plm: Plm = "embedded",
    planted: Annotated[
        bool, typer.Option(help="Also train on planted data, some minutes, and look for what was planted.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Explanations: whether parts sum to scores and leaving out is exact, whether planted causes are found, seconds."""
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.datasets.store import load_dataset
    from upsr_core.text.design import parse_design
    from workshop.benchmarks.explain import bench

    ensure_sample()
    with console.status("measuring") as status:
        result = bench(load_dataset(dataset), parse_design(design), plm, planted, say(status))
    show(result, as_json)


@benchmarks.command("rivals")
def rivals(
    dataset: Annotated[str, typer.Option(help="Name of a stored dataset.")],
    model: Annotated[str, typer.Option(help="sasrec-ce, sasrec-bce, bert4rec or unisrec.")],
    epochs: Annotated[int, typer.Option(min=1, help="Of every training.")],
    design: Design = "category,title,brand",
    every: Annotated[int, typer.Option(min=1, help="Epochs between validations; the best is kept.")] = 5,
    source: Annotated[str, typer.Option(help="Dataset to pre-train on: what differs in a pre-training.")] = "",
    pretrain_epochs: Annotated[int, typer.Option(min=1, help="With --source.")] = 20,
    pretrain_batch: Annotated[int, typer.Option(min=1, help="With --source.")] = 8192,
    only: Annotated[list[str] | None, typer.Option(help="A variant by name, again for more; all unless given.")] = None,
    as_json: Json = False,
) -> None:
    """What each difference between a rival here and its published code changes: one training with, one without.

    Every variant is the model's default but for one thing, on the same split and seed, ranked in full for all test
    users; the intervals are over users, not over seeds. A training takes minutes to hours.
    """
    from workshop.benchmarks.rival_differences import bench

    settings = {"epochs": epochs, "evaluate_every": every, "patience": epochs, "pretrain_batch": pretrain_batch}
    settings["pretrain_epochs"] = pretrain_epochs if source else 0
    with console.status("training") as status:
        result = bench(dataset, model, design, settings, source, tuple(only or ()), say(status))
    show(result, as_json)
