"""`upsr explain`: why one candidate stands above another for a user."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from upsr_core.cli.terminal import Terminal

if TYPE_CHECKING:
    from upsr_core.explain.explanation import Explanation

console = Terminal()


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("explain")(explain)


def explain(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of a finished run, or how it begins.")],
    user: Annotated[str, typer.Option(help="A user id that the run evaluated.")],
    candidates: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Two item ids; the target and the best other one.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="leave-one-out or contributions (exact), gradients (an approximation); the model's own.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
) -> None:
    """Why candidate A stands above candidate B: attribute by attribute, token by token, history item by item."""
    from upsr_core.explain.explanation import explain as explained
    from upsr_core.runs.run import load_run

    a, b = candidates or (None, None)
    with console.status("reading") as status:
        found = explained(
            load_run(run_id), user, a, b, method,
            lambda done, total, what: status.update(f"{what}: {done:.0f} of {total:.0f}"),
        )  # fmt: skip
    _show(found)
    if as_json:
        print(json.dumps(found.record()))


def _show(found: "Explanation") -> None:
    rows = found.candidates.set_index("item_id")
    console.print(f"{found.title}, user {found.user}", markup=False)
    for letter, item in (("A", found.a), ("B", found.b)):
        row = rows.loc[item]
        mark = " (target)" if row.target else ""
        console.print(
            f"  {letter}: {item} {row['name'][:80]}{mark}: rank {row['rank']:g}, score {row.score:.4f}", markup=False
        )
    console.print(f"A's lead over B: {found.lead:+.4f} ({found.score}).")
    if found.difference is not None:
        table = Table("attribute", "tokens A / B", "part A", "part B", "wording", "length", "for A")
        for row in found.difference.itertuples():
            parts = [f"{value:+.4f}" for value in (row.part_a, row.part_b, row.wording, row.length, row.difference)]
            table.add_row(row.attribute, f"{row.tokens_a} / {row.tokens_b}", *parts)
        sums = found.difference[["part_a", "part_b", "wording", "length", "difference"]].sum()
        table.add_section()
        table.add_row("sum", "", *(f"{value:+.4f}" for value in sums))
        console.print(table)
        console.print(f"Parts sum to the scores of all candidates within {found.sum_error:.1e}.")
        for letter, cut in (("A", found.cut_a), ("B", found.cut_b)):
            if cut:
                console.print(f"The caps of the design cut {cut} tokens off the text of {letter}.")
    else:
        console.print("The score of this model is no sum over the tokens of a text: it has no parts.")
    table = Table("place", "item", "name", "for A", "rank of A without it", "of B", title=f"History: {found.method}")
    ranked = "rank_a" in found.items
    for row in found.items.iloc[found.items.effect.abs().argsort()[::-1]].itertuples():
        ranks = [f"{row.rank_a:g}", f"{row.rank_b:g}"] if ranked else ["", ""]
        table.add_row(str(row.place), row.item_id, row.name[:60], f"{row.effect:+.4f}", *ranks)
    console.print(table)
    if found.attributes is not None:
        table = Table("attribute of the history", "for A")
        for row in found.attributes.itertuples():
            table.add_row(row.attribute, f"{row.effect:+.4f}")
        console.print(table)
    if found.approximation_gap is not None:
        console.print(f"An approximation: its effects miss their right sum by {found.approximation_gap:+.4f}.")
    if found.dropped:
        console.print(f"The {found.dropped} oldest items fell off the prompt; the model never saw them.")
