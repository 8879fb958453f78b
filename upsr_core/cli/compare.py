"""`upsr compare`: runs beside each other, with statistics, on the command line."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from upsr_core.cli.indicators import progress_bar
from upsr_core.cli.terminal import Terminal, say_cuts
from upsr_core.evaluation.verdicts import interval_text

console = Terminal()


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("compare")(compare)


def compare(
    run_ids: Annotated[list[str] | None, typer.Argument(metavar="RUN...", help="Ids, or how they begin.")] = None,
    metric: Annotated[str, typer.Option(help="By which pairs are tested, such as NDCG@10 or HR@1.")] = "NDCG@10",
    by: Annotated[str, typer.Option(help="Slices: history, popularity, category, cold or text.")] = "",
    export: Annotated[Path | None, typer.Option(help="Write all of it into this new folder.")] = None,
    again: Annotated[Path | None, typer.Option(help="Make an exported comparison again, with its runs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """Runs on the same data and candidates: leaderboard, every pair tested, seeds, slices, cost.

    Runs that differ in nothing but their seed become one line. Runs that cannot be compared are refused.
    """
    from upsr_core.comparison import compare as comparing
    from upsr_core.comparison.cost import cost, cuts, indicators
    from upsr_core.comparison.entries import load
    from upsr_core.comparison.export import check_new, exported, link
    from upsr_core.comparison.export import export as write
    from upsr_core.comparison.who_differs import SLICES, slices
    from upsr_core.errors import RunError
    from upsr_core.evaluation.metrics import METRICS, named
    from upsr_core.indicators.result import plain
    from upsr_core.runs.ensure_finished import finish_all
    from upsr_core.runs.run import load_run

    names = run_ids or []
    if bool(names) == bool(again):
        raise RunError("Nothing to compare", how="Name runs, see `upsr runs`, or an exported folder with --again.")
    if export:
        check_new(export)
    if again:
        specs, metric = exported(again)
        with progress_bar() as progress:
            runs = finish_all(specs, progress)
    else:
        runs = [load_run(name) for name in names]
    for what, value, allowed in (("metric", metric, METRICS), ("slice", by or "history", SLICES)):
        if value not in allowed:
            raise RunError(f"There is no {what} {value!r}", how=f"Choose among {', '.join(allowed)}.")
    compared = load(runs)
    board, tested = comparing.leaderboard(compared, metric), comparing.pairs(compared, metric)
    costs = cost(compared)
    left = cuts(compared)
    _board(board, compared, metric, named(metric, compared.mode), left)
    _pairs(tested, _numbers(board), named(metric, compared.mode))
    sliced, what = slices(compared, by, metric) if by else (None, "")
    if sliced is not None:
        _slices(sliced, _numbers(board), SLICES[by], what, named(metric, compared.mode))
    if export:
        console.print(f"Written to {write(compared, export, metric)}.")
    if as_json:
        record = {"leaderboard": board.to_dict("records"), "pairs": tested.to_dict("records"), "mode": compared.mode}
        record |= {"metric": metric, "instances": len(compared.instances), "of": compared.of}
        record |= {"seeds": comparing.seeds(compared, metric).to_dict("records"), "cost": costs.to_dict("records")}
        record["indicators"] = {
            run_id: {name: result.summary() for name, result in results.items()}
            for run_id, results in indicators(compared).items()
        }
        record["cuts"] = {run_id: each.model_dump() for run_id, each in left.items()}
        record |= {"link": link(compared, metric)}
        record |= {"slices": sliced.to_dict("records")} if sliced is not None else {}
        print(json.dumps(plain(record)))


def _numbers(board) -> dict[str, str]:
    """Short names of the lines of a leaderboard by their label: tables of whole labels fit no terminal."""
    labels = [row.label for row in board.itertuples() if not row.reference]
    return {label: str(number) for number, label in enumerate(labels, start=1)}


def _board(board, compared, metric: str, title: str, cuts: dict) -> None:
    from upsr_core.evaluation.metrics import METRICS

    people = f"{len(compared.instances):,} of {compared.of:,} test instances"
    ids = {entry.label: entry.id for entry in compared.entries}
    for label, number in _numbers(board).items():
        console.print(f"{number}: {label}", soft_wrap=True, highlight=False)
        if ids[label] in cuts:
            say_cuts(cuts[ids[label]])
    others = [name for name in METRICS if name.endswith("@10") and name != metric]
    table = Table("", "seeds", f"{title}, 95 %", *others, "user dependence", "uses the history", title=people)
    for row in board.to_dict("records"):
        value, gain = (
            interval_text(row[name], row[f"{name}_low"], row[f"{name}_high"], row[f"{name}_why"], form)
            for name, form in ((metric, ".4f"), ("dependence", "+.4f"))
        )
        cells = [
            _numbers(board).get(row["label"], row["label"]),
            str(row["seeds"]),
            value,
            *(f"{row[name]:.4f}" for name in others),
        ]
        table.add_row(*cells, "" if row["reference"] else gain, row["uses_history"])
    console.print(table)


def _pairs(tested, numbers: dict[str, str], metric: str) -> None:
    if tested.empty:
        console.print("One line only: nothing to test.")
        return
    table = Table("better", "worse", "difference, 95 %", "p (Holm)", "users", "verdict", title=metric)
    for row in tested.itertuples():
        moved = f"{row.better} better, {row.worse} worse"
        verdict = f"{row.on} {row.verdict}"
        difference = interval_text(row.difference, row.low, row.high, row.why, "+.4f")
        sides = (numbers.get(label, label) for label in (row.label_a, row.label_b))
        table.add_row(*sides, difference, f"{row.p_holm:.4f}", moved, verdict)
    console.print(table)
    tests = f"{len(tested)} pair{'' if len(tested) == 1 else 's'}"
    over = " and, with several seeds a side, over users and seeds" if tested.p_seeds.notna().any() else ""
    console.print(f"Paired randomisation test over users{over}, corrected for {tests} (Holm).")


def _slices(table, numbers: dict[str, str], title: str, what: str, metric: str) -> None:
    shown = Table(
        title,
        "instances",
        *(numbers.get(label, label) for label in dict.fromkeys(table.label)),
        title=f"{metric} by {what}",
    )
    for name, part in table.groupby("slice", sort=False):
        cells = [
            interval_text(row.value, row.value_low, row.value_high, row.value_why, ".4f") for row in part.itertuples()
        ]
        shown.add_row(str(name), str(part.instances.iloc[0]), *cells)
    console.print(shown)
