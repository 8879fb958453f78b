"""`upsr bench`, how fast: likelihoods, indicators, training, evaluation, forecasts, imports; see `bench_checks`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from upsr_core.cli.terminal import Terminal

console = Terminal()
benchmarks = typer.Typer(
    no_args_is_help=True, help="Measure speed against named rivals, in one run, and figures where the truth is known."
)

Dataset = Annotated[str, typer.Option(help="Whose item texts are scored.")]
Design = Annotated[str, typer.Option(help="Attributes in order.")]
Plm = Annotated[str, typer.Option(help="embedded, a folder, or a hub id.")]
Json = Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")]


@benchmarks.callback()
def _benchmarks() -> None:
    """Measure speed against named rivals, in one run, and figures where the truth is known."""


@benchmarks.command("likelihood")
def likelihood(
    dataset: Dataset = "sample:movies",
    design: Design = "category,title,brand",
    also: Annotated[str, typer.Option(help="Another order, only checked for equality.")] = "title,category,brand",
    tokenizer: Annotated[str, typer.Option(help="Whose tokens: embedded, a folder, or a hub id.")] = "embedded",
    users: Annotated[int, typer.Option(min=3, help="Random histories, over three lengths.")] = 21,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved measurements of each.")] = 1,
    as_json: Json = False,
) -> None:
    """Candidates scored over the prefix trie against transformers and CTranslate2.

    At T5-small's geometry with random weights: speed does not depend on what was learned. Takes about a minute a user,
    and the whole catalogue, for two of them, as long as transformers needs.
    """
    from workshop.benchmarks.likelihood import bench

    builders = [_builder(dataset, order, tokenizer) for order in (design, also)]
    with console.status("measuring") as status:
        result = bench(builders, users, rounds, say(status))
    show(result, as_json)


@benchmarks.command("growth")
def growth(
    dataset: Dataset = "sample:movies",
    design: Design = "category,title,brand",
    plm: Plm = "embedded",
    budget: Annotated[int, typer.Option(min=1, help="Working memory of the scorer, MiB.")] = 512,
    as_json: Json = False,
) -> None:
    """How time and memory grow with candidates (to the whole catalogue), users (to 256) and history tokens (to 512)."""
    from upsr_core.plm.loading import load_model
    from workshop.benchmarks import likelihood_growth

    builder, model = _builder(dataset, design, plm), load_model(plm)
    with console.status("measuring") as status:
        measured = likelihood_growth.growth(model, builder, budget * 2**20, say(status))
    console.print(measured.round(3).to_string(index=False))
    show(likelihood_growth.summary(measured, budget * 2**20), as_json, hide=("curve",))


@benchmarks.command("search")
def search(
    dataset: Dataset,
    plm: Annotated[str, typer.Option(help="A trained model: the folder `model` of a run, or any other.")],
    design: Design = "category,title,brand",
    users: Annotated[int, typer.Option(min=1, help="Test users.")] = 200,
    whole: Annotated[int, typer.Option(min=1, help="Users whose whole catalogue is scored plainly too.")] = 10,
    as_json: Json = False,
) -> None:
    """Exact top-10 of the catalogue and exact rank of the positive by best-first search, against plain scoring."""
    import numpy as np

    from upsr_core.datasets.splits import SplitSpec, split
    from upsr_core.datasets.store import load_dataset
    from upsr_core.evaluation.candidates import CandidateSpec, candidates_for
    from upsr_core.likelihood.candidate_scorer import CandidateScorer
    from upsr_core.likelihood.trie import stored_trie
    from upsr_core.plm.loading import load_model
    from workshop.benchmarks import topk

    builder, data = _builder(dataset, design, plm), load_dataset(dataset)
    scorer = CandidateScorer(load_model(plm), stored_trie(builder.texts, data.digest))
    test = candidates_for(data, split(data, SplitSpec()), CandidateSpec(users=users))
    histories = [np.asarray(test.history(row)) for row in range(len(test))]
    sequences = [builder.ranking(history).ids for history in histories]
    candidates = [test.items(row) for row in range(len(test))]
    with console.status("measuring") as status:
        table = topk.search_against_plain(scorer, sequences, histories, candidates, say(status), whole)
    show(topk.summary(table), as_json)


@benchmarks.command("indicators")
def indicators(
    dataset: Annotated[str, typer.Option(help="Whose profile is timed: amazon-beauty-2014 under its name.")] = "beauty",
    design: Design = "category,title,brand",
    domains: Annotated[
        str, typer.Option(help="Further datasets, with commas, for domain consistency.")
    ] = "sample:movies,sample:clothing",
    search_in: Annotated[str, typer.Option(help="In which dataset designs are searched.")] = "steam",
    attributes: Annotated[str, typer.Option(help="Whose ordered designs.")] = "title,category,brand,price,description",
    items: Annotated[int, typer.Option(min=10, help="Sampled items of the search.")] = 300,
    plm: Plm = "embedded",
    whole: Annotated[bool, typer.Option(help="Also the profile over all items.")] = True,
    as_json: Json = False,
) -> None:
    """Profiles of a design, and the search over all ordered designs against scoring each design alone."""
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.datasets.store import load_dataset
    from upsr_core.indicators.encoder import text_model_of
    from upsr_core.text.design import ItemDesign
    from workshop.benchmarks.indicators import bench

    ensure_sample()
    others = tuple(load_dataset(name.strip()) for name in domains.split(",") if name.strip())
    chosen = ItemDesign.of(attributes).attributes
    with console.status("measuring") as status:
        result = bench(
            load_dataset(dataset), ItemDesign.of(design), others, load_dataset(search_in), chosen, text_model_of(plm),
            items, whole, lambda done, total, what: status.update(f"{what}: {done / total:.0%}"),
        )  # fmt: skip
    show(result, as_json)


@benchmarks.command("training")
def training(
    dataset: Annotated[str, typer.Option(help="Whose histories are learned from.")] = "sample:movies",
    design: Design = "category,title,brand",
    plm: Plm = "embedded",
    tokens: Annotated[int, typer.Option(min=50_000, help="Real tokens of each training.")] = 400_000,
    as_json: Json = False,
) -> None:
    """Real tokens a second of our training against Seq2SeqTrainer, with default padding and grouped by length."""
    from transformers import PreTrainedTokenizerFast

    from upsr_core.datasets.splits import SplitSpec, split, training_histories
    from upsr_core.datasets.store import load_dataset
    from upsr_core.plm.loading import load_model
    from upsr_core.training.batches import Source
    from workshop.benchmarks.training import bench

    builder, data = _builder(dataset, design, plm), load_dataset(dataset)
    padding = PreTrainedTokenizerFast(tokenizer_object=builder.tokenizer.backend, pad_token="<pad>")
    source = Source(builder, training_histories(data, split(data, SplitSpec())))
    with console.status("measuring") as status:
        result = bench(lambda: load_model(plm), padding, source, tokens, say(status))
    show({"dataset": dataset, "plm": plm, **result}, as_json, hide=("curves",))


@benchmarks.command("evaluation")
def evaluation(
    dataset: Dataset = "sample:movies",
    design: Design = "category,title,brand",
    plm: Plm = "embedded",
    users: Annotated[int, typer.Option(min=16, help="Test users.")] = 200,
    backend: Annotated[str, typer.Option(help="threads, loky, dask or ray.")] = "threads",
    workers: Annotated[int | None, typer.Option(min=1, help="How many score at a time; all cores without it.")] = None,
    lose_worker: Annotated[bool, typer.Option("--lose-worker", help="Kill a worker process half-way.")] = False,
    as_json: Json = False,
) -> None:
    """Users scored a second in shards, against one core and against plain transformers; the same bits are checked."""
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.datasets.splits import split
    from upsr_core.evaluation.candidates import candidates_for
    from upsr_core.models.upsr_evaluation import Scored
    from upsr_core.models.upsr_ranker import UpsrRanker
    from upsr_core.parallel import Workers
    from upsr_core.runs.pipeline import Reopened
    from upsr_core.runs.run import create_run
    from upsr_core.runs.spec import plan_run
    from upsr_core.runs.user_ranking import load_ranker
    from upsr_core.runtime import home
    from upsr_core.text.design import parse_design
    from workshop.benchmarks.evaluation import bench

    ensure_sample()
    spec = plan_run(dataset, parse_design(design), plm, "zero-shot")
    run = create_run(spec.model_copy(update={"candidates": spec.candidates.model_copy(update={"users": users})}))
    data = run.spec.dataset.load()
    test = candidates_for(data, split(data, run.spec.split), run.spec.candidates)
    ranker = load_ranker(run)
    if not isinstance(ranker, UpsrRanker):
        raise TypeError(f"{run.title} is no run of UPSR")
    with console.status("measuring") as status:
        scored = Scored(ranker, test, Reopened(str(home()), run.id))
        result = bench(scored, Workers(backend, count=workers), say(status), lose_worker)
    show(result, as_json, hide=("curve",))


@benchmarks.command("plan")
def plan(
    datasets: Annotated[str, typer.Option(help="Stored datasets, with commas.")] = "sample:movies,sample:clothing",
    runs: Annotated[int, typer.Option(min=1, help="How many different small runs.")] = 20,
    as_json: Json = False,
) -> None:
    """The forecast against small runs done for real: the share within a factor of 1.5."""
    from upsr_core.datasets.sample import ensure_sample
    from workshop.benchmarks.forecast import bench

    ensure_sample()
    with console.status("measuring") as status:
        result = bench([name.strip() for name in datasets.split(",")], runs, say(status))
    show(result, as_json, hide=("table",))


@benchmarks.command("ingest")
def ingest(
    millions: Annotated[str, typer.Option(help="Millions of interactions of the sources, with commas.")] = "2,6,20",
    memory: Annotated[str, typer.Option(help="What an import may use.")] = "2GB",
    folder: Annotated[Path | None, typer.Option(help="Where the sources are written; the temporary folder.")] = None,
    as_json: Json = False,
) -> None:
    """Imports of generated Amazon-2018 files, growing, against the obvious pandas program on the smallest.

    The invented sources have a tenth as many items as interactions; 20 million interactions are 8 GB of files, and as
    much as a half more while they are imported.
    """
    from workshop.benchmarks.ingest import bench

    try:
        sizes = tuple(float(size) for size in millions.split(","))
    except ValueError:
        raise typer.BadParameter(f"{millions!r} are no numbers with commas", param_hint="--millions") from None
    if min(sizes) <= 0:
        raise typer.BadParameter("sizes are above 0", param_hint="--millions")
    with console.status("measuring") as status:
        result = bench(sizes, memory, folder, lambda done, total, what: status.update(what))
    show(result, as_json)


def _builder(dataset: str, design: str, tokenizer: str):
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.datasets.store import load_dataset
    from upsr_core.plm.loading import load_tokenizer
    from upsr_core.text.design import parse_design
    from upsr_core.text.prompt import SequenceBuilder
    from upsr_core.text.text_cache import texts_of

    ensure_sample()
    chosen = parse_design(design)
    return SequenceBuilder(chosen, texts_of(load_dataset(dataset), chosen.finetune, load_tokenizer(tokenizer)))


def say(status):
    return lambda done, total, what: status.update(f"{what}: {done} of {total}")


def show(result: dict, as_json: bool, hide: tuple[str, ...] = ()) -> None:
    for name, value in result.items():
        if name not in hide:
            console.print(f"{name:>20}  {value:.4g}" if isinstance(value, float) else f"{name:>20}  {value}")
    if as_json:
        print(json.dumps(result))
