"""The commands about runs: `upsr run`, `runs`, `rank`, `top`, `resume`, `cancel`, hidden `work`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from upsr_core.cli import running
from upsr_core.cli.terminal import Terminal, say_cuts
from upsr_core.parallel import Workers

if TYPE_CHECKING:
    from upsr_core.runs.results import Interval, RunResult

console = Terminal()
Json = Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("run")(run)
    app.command("runs")(runs)
    app.command("rank")(rank)
    app.command("top")(top)
    app.command("resume")(resume)
    app.command("cancel")(cancel)
    app.command("work", hidden=True)(work)


def run(
    dataset: Annotated[str, typer.Option(help="Name of a stored dataset, see `upsr data list`.")],
    design: Annotated[str, typer.Option(help="Attributes in order, such as category,title; of models of texts.")] = "",
    model: Annotated[str, typer.Option(help="upsr, or a rival: see `upsr models`.")] = "upsr",
    pretrain_design: Annotated[str | None, typer.Option(help="Attributes of the pre-training stage.")] = None,
    pretrain_on: Annotated[str, typer.Option(help="Datasets to pre-train on first, with commas.")] = "",
    plm: Annotated[str, typer.Option(help="embedded, a folder, or a hub id; UniSRec: BERT-like too.")] = "embedded",
    budget: Annotated[str, typer.Option(help="smoke, first-look, quick, standard or zero-shot.")] = "quick",
    score: Annotated[str, typer.Option(help="perplexity, conditional or posterior; the recipe's own without it.")] = "",
    mode: Annotated[str, typer.Option(help="uni100, pop100, full, or several with commas.")] = "uni100",
    seed: Annotated[int, typer.Option(help="Seed of the training.")] = 0,
    recipe: Annotated[str, typer.Option(help="Of UPSR's training: personal, paper or paper-short.")] = "",
    dtype: Annotated[str, typer.Option(help="Of the training of UPSR: float32 or bfloat16.")] = "float32",
    processes: running.Processes = 1,
    accumulate: running.Accumulate = 1,
    backend: running.Backend = "threads",
    address: running.Address = None,
    workers: running.Count = None,
    again: Annotated[bool, typer.Option(help="Throw away finished runs of the same specification first.")] = False,
    as_json: Json = False,
) -> None:
    """Train UPSR with an item design, or a rival, and evaluate it; the same specification is the same run.

    Several modes are several runs of one training: the first trains, the others take its weights. A finished run of
    the same training lends its weights to any other. With --json the last line is the result, of several modes an
    object `runs` with all of them. Under torchrun or `accelerate launch` all processes train, and the first answers.
    """
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.runs.forecast import forecast
    from upsr_core.runs.run import create_run, delete_run, list_runs
    from upsr_core.runs.spec import plan_run
    from upsr_core.runs.text_cuts import text_cuts
    from upsr_core.text.design import parse_design

    by = running.Working(processes, accumulate, Workers(backend, address, workers))
    if running.train_with_first(accumulate):
        return
    ensure_sample()
    others = tuple(name.strip() for name in pretrain_on.split(",") if name.strip())
    chosen = parse_design(design, pretrain_design) if design else None
    modes = list(dict.fromkeys(name.strip() for name in mode.split(",")))
    specs = [plan_run(dataset, chosen, plm, budget, score, name, seed, others, model, dtype, recipe) for name in modes]
    if again:
        wanted = {spec.digest for spec in specs}
        for this in list_runs():
            if this.id in wanted and this.status().state == "done":
                delete_run(this)
    results, planned = [], [create_run(spec) for spec in specs]
    running.announce([this for this in planned if this.status().state != "done"])
    for this in planned:
        result = this.result() if this.status().state == "done" else None
        if result:
            console.print(f"Run {this.id} is already done; --again repeats it.")
        else:
            expected = forecast(this.spec)
            if cuts := text_cuts(this.spec):
                say_cuts(cuts)
            console.print(f"Run {this.id}: {this.title}. About {expected.seconds / 60:.0f} min ({expected.basis}).")
            result = running.finish(this, by)
        _show(result)
        results.append(result)
    if as_json:
        records = [result.model_dump(mode="json") for result in results]
        print(json.dumps(records[0] if len(records) == 1 else {"runs": records}))


def _show(result: "RunResult") -> None:
    table = Table(title=f"{result.title} — {result.users} of {result.of_users} users")
    references = ("popularity", "random")
    for column in ("metric", "this run", *references, *(f"gap to {name}" for name in references)):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for name, value in result.metrics.items():
        cells = [f"{result.references[other][name]:.4f}" for other in references]
        cells += [_interval(result.gaps[other][name]) for other in references]
        table.add_row(name, f"{value:.4f}", *cells)
    console.print(table)
    if kept := result.history_kept:
        figures = ", ".join(f"{name} {value:.4f}" for name, value in kept.items() if "@10" in name)
        console.print(
            f"With the items of the history among the candidates: {figures}.", highlight=False, soft_wrap=True
        )
    if result.cuts:
        say_cuts(result.cuts)
    gain = _interval(result.user_dependence)
    console.print(f"User dependence, {result.headline}: {gain}. Uses the history: {result.history_line}.")
    if result.trained_by not in (result.run, None):
        console.print(f"Its weights were trained by run {result.trained_by}, which has the same training.")


def _interval(gap: "Interval") -> str:
    return gap.text("+.4f")


def runs(as_json: Json = False) -> None:
    """All runs, newest first."""
    from upsr_core.runs.run import list_runs, unreadable_runs

    table = Table("run", "title", "state", "NDCG@10", "user dependence")
    rows, read = [], {}
    for this in list_runs():
        state, result = this.status().state, this.result()
        metric = f"{result.value:.4f} ({result.headline})" if result else ""
        gain = _interval(result.user_dependence) if result else ""
        cuts = result.cuts if result else None
        table.add_row(this.id, this.title, state, metric, gain)
        if cuts:
            read[this.id] = cuts
        row = {"run": this.id, "title": this.title, "state": state, "metrics": result.metrics if result else None}
        rows.append(row | {"cuts": cuts.model_dump() if cuts else None})
    console.print(table if rows else "No runs yet. Start one with `upsr run`, or on the page Trials.")
    for number, cuts in read.items():
        console.print(f"What run {number} reads:", highlight=False)
        say_cuts(cuts)
    unreadable = unreadable_runs()
    for reason in unreadable.values():
        console.print(reason, style="red", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps({"runs": rows, "unreadable": unreadable}))


def rank(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, or how it begins.")],
    user: Annotated[str, typer.Option(help="A user id of the dataset.")],
    score: Annotated[str | None, typer.Option(help="One of the model's scores, or popularity.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many candidates to show.")] = 20,
    as_json: Json = False,
) -> None:
    """The ranked candidates of one user of a finished run."""
    from upsr_core.indicators.result import plain
    from upsr_core.runs.run import load_run
    from upsr_core.runs.user_ranking import find_user, ranked

    this = load_run(run_id)
    table = ranked(this, find_user(this.spec.dataset.load(), user), score)
    likelihood = ["perplexity"] if "perplexity" in table else []
    shown = Table("rank", "item", "text", "score", *likelihood, "popularity", title=f"{this.title}, user {user}")
    for row in table.head(top).itertuples():
        text = ("→ " if row.target else "") + row.text[:90]
        extra = [f"{row.perplexity:.1f}"] if likelihood else []
        shown.add_row(f"{row.rank:g}", row.item_id, text, f"{row.score:.3f}", *extra, str(row.popularity))
    console.print(shown)
    target = table[table.target].iloc[0]
    console.print(f"The target is at rank {target['rank']:g} of {target.of}.")
    if as_json:
        record = {"run": this.id, "user": user, "rank": target["rank"], "candidates": table.to_dict("records")}
        print(json.dumps(plain(record)))


def top(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, or how it begins.")],
    user: Annotated[str, typer.Option(help="A user id of the dataset.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many items.")] = 10,
    as_json: Json = False,
) -> None:
    """The best items of the whole catalogue for one user of a finished run, exact."""
    from upsr_core.indicators.result import plain
    from upsr_core.runs.run import load_run
    from upsr_core.runs.user_ranking import find_user, load_ranker, top_of_catalogue

    this = load_run(run_id)
    number = find_user(this.spec.dataset.load(), user)
    table, note = top_of_catalogue(this, load_ranker(this), number, k)
    shown = Table("rank", "item", "text", "score", title=f"{this.title}, user {user}")
    for row in table.itertuples():
        shown.add_row(str(row.rank), row.item_id, ("→ " if row.target else "") + row.text[:90], f"{row.score:.3f}")
    console.print(shown)
    console.print(note)
    if as_json:
        print(json.dumps(plain({"run": this.id, "user": user, "items": table.to_dict("records"), "note": note})))


def resume(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    processes: running.Processes = 1,
    accumulate: running.Accumulate = 1,
    backend: running.Backend = "threads",
    address: running.Address = None,
    workers: running.Count = None,
) -> None:
    """Go on with a cancelled, failed or dead run from its last checkpoint, here."""
    from upsr_core.runs.run import load_run

    by = running.Working(processes, accumulate, Workers(backend, address, workers))
    if running.train_with_first(accumulate):
        return
    this = load_run(run_id)
    running.announce([this])
    _show(running.finish(this, by))


def cancel(run_id: Annotated[str, typer.Argument(metavar="RUN")]) -> None:
    """Ask a run to stop; it saves a checkpoint first."""
    from upsr_core.runs.queue import cancel as ask
    from upsr_core.runs.run import load_run

    ask(load_run(run_id))
    console.print("Asked to stop; it stops at its next checkpoint.")


def work(
    run_id: str,
    accumulate: running.Accumulate = 1,
    backend: running.Backend = "threads",
    address: running.Address = None,
    workers: running.Count = None,
) -> None:
    """Work on a queued run (what the studio starts)."""
    from upsr_core.runs.run import load_run
    from upsr_core.runs.worker import work_on

    work_on(load_run(run_id), accumulation=accumulate, workers=Workers(backend, address, workers))
