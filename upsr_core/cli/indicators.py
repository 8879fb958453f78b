"""`upsr indicators`, `attributes`, `designs`: what the page Indicators shows, on the command line."""

import json
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.table import Table

from upsr_core.cli.terminal import Terminal

console = Terminal()


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("indicators")(indicators)
    app.command("attributes")(attributes)
    app.command("designs")(designs)


Dataset = Annotated[str, typer.Argument(help="Name of a stored dataset, see `upsr data list`.")]
Plm = Annotated[str, typer.Option(help="embedded, a folder, or a hub id.")]
Domains = Annotated[str, typer.Option(help="Further datasets, with commas, for domain consistency.")]
Sample = Annotated[int, typer.Option(min=0, help="Items that the model reads at most; 0: all.")]
Seed = Annotated[int, typer.Option(help="Seed of the samples.")]
Json = Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")]


def indicators(
    dataset: Dataset,
    design: Annotated[str, typer.Option(help="Attributes in order, such as category,title,brand.")] = "category,title",
    cap: Annotated[int, typer.Option(min=1, max=512, help="Tokens kept of an item.")] = 40,
    tokenizer: Annotated[
        str | None, typer.Option(help="Whose tokens the cheap indicators count: a folder or hub id; the model's.")
    ] = None,
    plm: Plm = "embedded",
    domains: Domains = "",
    only: Annotated[str | None, typer.Option(help="Some indicators, with commas, such as informativeness.")] = None,
    sample: Sample = 1000,
    naturalness: Annotated[str, typer.Option(help="likelihood or masked-spans.")] = "likelihood",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """The indicators of an item design: naturalness, familiarity, consistency, noise and the others."""
    from upsr_core.errors import DesignError
    from upsr_core.indicators.profile import check_names, profile
    from upsr_core.text.cut import in_words
    from upsr_core.text.design import ItemDesign

    if naturalness not in ("likelihood", "masked-spans"):
        raise DesignError(
            f"Naturalness cannot be measured by {naturalness!r}", how="Choose likelihood or masked-spans."
        )
    names = check_names(_names(only) if only is not None else None)
    setting = _setting(dataset, plm, domains, sample, seed, tokenizer=tokenizer, method=naturalness)
    with progress_bar() as progress:
        results = profile(setting, ItemDesign.of(design, cap=cap), progress, names)
    cut = setting.catalogue("length").cut(ItemDesign.of(design, cap=cap))
    table = Table("indicator", "value", "interval (95 %)", "unit", "note", title=f"{design} on {dataset}")
    for name, result in results.items():
        shown = "–" if result.value is None else f"{result.value:.4g}"
        interval = "" if result.low is None else f"{result.low:.4g} to {result.high:.4g}"
        table.add_row(name, shown, interval, result.unit, result.reason or result.note)
    console.print(table)
    console.print(in_words(cut), style="yellow" if cut.hides else None, highlight=False, soft_wrap=True)
    if "informativeness" in results and results["informativeness"].value is not None:
        for step in results["informativeness"].facts["steps"]:
            console.print(
                f"  + {step['added']}: {step['bits']:.2f} bits ({step['gain']:+.2f}), "
                f"{step['distinguishable']:.1%} of the items told apart"
            )
    if as_json:
        print(json.dumps({name: result.summary() for name, result in results.items()} | {"cut": cut.model_dump()}))


def attributes(
    dataset: Dataset,
    only: Annotated[str, typer.Option(help="Some attributes, with commas; all of the dataset.")] = "",
    plm: Plm = "embedded",
    domains: Domains = "",
    sample: Sample = 1000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Your own Table 1: every attribute alone under every indicator, with a suggested use and the reason."""
    from upsr_core.indicators.attribute_table import COLUMNS, RULE, TITLES, attribute_table
    from upsr_core.indicators.attribute_use import USE_RULE
    from upsr_core.indicators.result import plain
    from upsr_core.text.cut import in_words
    from upsr_core.text.design import ItemDesign

    setting = _setting(dataset, plm, domains, sample, seed)
    with progress_bar() as progress:
        made = attribute_table(setting, tuple(_names(only)) or setting.dataset.attributes, progress).bands
    table = Table("attribute", *(TITLES[name].lower() for name in COLUMNS), "suggested use", "reason",
                  "paper's use", "otherwise in the paper, and why")  # fmt: skip
    for row in made.to_dict("records"):
        cells = [
            "–" if row[name] != row[name] else f"{row[name]:.3g} {row[f'{name}_band']}".rstrip() for name in COLUMNS
        ]
        table.add_row(row["attribute"], *cells, row["use"], row["reason"], row["paper_use"], row["differs"])
    console.print(table)
    console.print(RULE, USE_RULE)
    cuts = {name: setting.catalogue("length").cut(ItemDesign(attributes=(name,))) for name in made.attribute}
    for cut in cuts.values():
        console.print(in_words(cut), style="yellow" if cut.hides else None, highlight=False, soft_wrap=True)
    if as_json:
        records = [row | {"cut": cuts[row["attribute"]].model_dump()} for row in made.to_dict("records")]
        print(json.dumps({"attributes": plain(records), "rule": RULE, "use_rule": USE_RULE}))


def designs(
    dataset: Dataset,
    attributes: Annotated[str, typer.Option(help="Attributes to choose from and to order, with commas.")],
    items: Annotated[int, typer.Option(min=2, help="Sampled items.")] = 300,
    cap: Annotated[int, typer.Option(min=1, max=512, help="Tokens kept of an item.")] = 40,
    early: Annotated[bool, typer.Option(help="Stop clearly worse designs early.")] = True,
    plm: Plm = "embedded",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Search all ordered designs of some attributes for the best of each stage."""
    from upsr_core.indicators.best_designs import STAGES
    from upsr_core.indicators.design_search import search
    from upsr_core.indicators.result import plain
    from upsr_core.text.cut import in_words
    from upsr_core.text.design import ItemDesign

    setting = _setting(dataset, plm, "", 0, seed)
    with progress_bar() as progress:
        found = search(setting, tuple(_names(attributes)), progress, items, cap, early)
    rows = found.tables["designs"]
    cuts = {}
    for stage, rule in STAGES.items():
        table = Table("place", "design", "familiarity", "perplexity", "bits", "told apart", "tokens before the cap",
                      "tokens as cut", "noise", title=rule)  # fmt: skip
        best = rows[rows[stage] > 0].sort_values(stage)
        for row in best.itertuples():
            numbers = (f"{row.familiarity:.1%}", f"{row.perplexity:.0f}", f"{row.bits:.2f}")
            lengths = (f"{row.distinguishable:.1%}", f"{row.length:.1f}", f"{row.kept:.1f}", f"{row.noise:.1%}")
            table.add_row(str(getattr(row, stage)), row.design, *numbers, *lengths)
        console.print(table)
        for row in best.itertuples():
            cut = setting.catalogue("length").cut(ItemDesign.of(row.design, cap=cap))
            said = f"{getattr(row, stage)}. {row.design}, the whole catalogue. {in_words(cut)}"
            console.print(said, style="yellow" if cut.hides else None, highlight=False, soft_wrap=True)
            cuts[row.design] = cut.model_dump()
    for name, advice in found.facts["attributes"].items():
        console.print(f"{name}: {advice['use']} ({advice['reason']})", markup=False)
    console.print(f"{len(rows)} designs; {found.note}.")
    if as_json:
        records = [row | {"cut": cuts.get(row["design"])} for row in rows.to_dict("records")]
        print(json.dumps({**found.summary(), "designs": plain(records)}))


def _setting(dataset: str, plm: str, domains: str, sample: int, seed: int, **more):
    from upsr_core.datasets.sample import ensure_sample
    from upsr_core.datasets.store import load_dataset
    from upsr_core.indicators.profile import Setting

    ensure_sample()
    others = tuple(load_dataset(name) for name in _names(domains) if name != dataset)
    return Setting(load_dataset(dataset), plm, domains=others, sample=sample, seed=seed, **more)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


@contextmanager
def progress_bar():
    """A progress callback that draws a bar on stderr, nothing where that is no terminal."""
    from rich.markup import escape
    from rich.progress import Progress

    errors = Terminal(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=escape(what))
