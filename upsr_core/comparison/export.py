"""A comparison as one folder: figure, tables, specifications, versions, and the command that makes it again."""

import json
import shlex
import shutil
import zipfile
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
from pydantic import ValidationError

from upsr_core.comparison.compare import leaderboard, pairs, seeds
from upsr_core.comparison.cost import cost, curves
from upsr_core.comparison.entries import INSTANCE, Compared
from upsr_core.comparison.figures import board
from upsr_core.comparison.who_differs import SLICES, slices
from upsr_core.errors import RunError, UpsrError
from upsr_core.evaluation.metrics import named
from upsr_core.export.csv_export import write_csv
from upsr_core.export.figure_files import write_figure
from upsr_core.runs.spec import RunSpec
from upsr_core.runtime import environment
from upsr_core.storage.atomic import write_json

README = """{title}

figure.html     draws itself in a browser, with buttons for PNG and SVG{images}
leaderboard.csv mean and 95 % interval of every metric, {mode}
pairs.csv       every pair under {metric}: paired interval and randomisation test, Holm-corrected
instances.csv   {metric} of every instance under every entry
slices.csv      {metric} by history length, popularity, category, cold targets, length of the target's text
seeds.csv, curves.csv, cost.csv
specs/          the specification of every run
versions.json   of this program and its libraries; specs name the digests of data and language models

To make it again from this folder, on a machine with the same data and language models:
    {command}
In the studio: {link}
"""


def link(compared: Compared, metric: str) -> str:
    """The address of the page Compare with this very view, without the server.

    It names the runs in their order, the metric by which pairs are tested.
    """
    return "compare?" + urlencode([*(("run", run.id) for run in compared.runs), ("metric", metric)])


def check_new(folder: Path) -> None:
    """Raise RunError where a folder is there and not empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{str(folder)!r} is there already", how="Name a folder that does not exist.")


def export(compared: Compared, folder: Path, metric: str = "NDCG@10") -> Path:
    """Write a comparison into a new folder: the figure, every table as CSV, the specifications, versions, a README.

    Parameters
    ----------
    compared
        What `entries.load` gives.
    folder
        Made where it is not there.
    metric
        By which the leaderboard is sorted and pairs are tested.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RunError
        The folder is there and not empty.
    """
    folder = Path(folder)
    check_new(folder)
    (folder / "specs").mkdir(parents=True, exist_ok=True)
    first = leaderboard(compared, metric)
    files, missing = write_figure(board(first, named(metric, compared.mode)), folder)
    tables = {"leaderboard": first, "pairs": pairs(compared, metric), "seeds": seeds(compared, metric)}
    tables |= {"curves": curves(compared), "cost": cost(compared), "instances": _instances(compared, metric)}
    parts = [slices(compared, by, metric)[0].assign(by=by) for by in SLICES]
    tables["slices"] = pd.concat(parts, ignore_index=True)
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv")
    for run in compared.runs:
        (folder / "specs" / f"{run.id}.json").write_text(run.spec.model_dump_json(indent=2) + "\n", encoding="utf-8")
    record = {"metric": metric, "runs": [run.id for run in compared.runs], "environment": environment()}
    write_json(folder / "versions.json", record)
    command = f"upsr compare --again {shlex.quote(folder.name)}"
    images = ", ".join(file.name for file in files[1:])
    beside = f"\n                {images}: the same" if images else ""
    beside += f"\n                (not drawn as {'PNG or SVG' if not images else 'both'}: {missing})" if missing else ""
    text = README.format(
        title=f"Comparison of {len(compared.runs)} runs on {compared.first.spec.dataset.name}",
        images=beside, mode=compared.mode, metric=metric,
        command=command, link=link(compared, metric),
    )  # fmt: skip
    (folder / "README.txt").write_text(text, encoding="utf-8")
    return folder


def zipped(folder: Path) -> Path:
    """A folder as one file beside it."""
    target = folder.with_name(f"{folder.name}.zip")
    shutil.rmtree(target, ignore_errors=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return target


def exported(folder: Path) -> tuple[list[RunSpec], str]:
    """The specifications and the metric of an exported comparison. Raises RunError where the folder holds none."""
    try:
        record = json.loads((folder / "versions.json").read_text(encoding="utf-8"))
        texts = [(folder / "specs" / f"{run_id}.json").read_text(encoding="utf-8") for run_id in record["runs"]]
        return [RunSpec.model_validate_json(text) for text in texts], record["metric"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ValidationError, UpsrError) as error:
        reason = error.what if isinstance(error, UpsrError) else str(error).splitlines()[0]
        raise RunError(
            f"{str(folder)!r} holds no exported comparison: {reason}", how="Name a folder that `upsr compare` wrote."
        ) from None


def _instances(compared: Compared, metric: str) -> pd.DataFrame:
    """A metric of every instance under every entry and reference, with user and item ids."""
    data = compared.first.spec.dataset.load()
    table = compared.instances[[*INSTANCE, "cold"]].copy()
    table["user"] = data.users.to_numpy()[table.user]
    table["target"] = data.items.item_id.to_numpy()[table.target]
    for entry in (*compared.entries, *compared.references):
        table[entry.label] = entry.users(metric)
    return table
