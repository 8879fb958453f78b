"""Running an experiment: cell after cell through the queue of runs, resumable; its folder, its state, its files."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import plotly.io

from upsr_core.datasets.sample import DOMAINS, sample_name
from upsr_core.datasets.store import list_datasets
from upsr_core.errors import ModelError, RunError, UpsrError
from upsr_core.export.csv_export import write_csv
from upsr_core.export.figure_files import write_figure
from upsr_core.indicators.result import plain
from upsr_core.logs import logged
from upsr_core.models.spec import PlmRef
from upsr_core.paper.experiment import SCALES, Cell, Experiment, ExperimentSpec, Outcome
from upsr_core.paper.registry import EXPERIMENTS
from upsr_core.parallel import Workers
from upsr_core.plm.loading import weights_digest
from upsr_core.runs import queue
from upsr_core.runs.ensure_finished import finish
from upsr_core.runs.forecast import forecast
from upsr_core.runs.run import Run, list_runs, run_folder
from upsr_core.runs.spec import RunSpec
from upsr_core.runtime import Progress, environment
from upsr_core.storage.atomic import storing, write_atomically, write_json
from upsr_core.storage.records import Newer, check_file, read_record, write_record
from upsr_core.training.recipes import PAPER, RECIPES

DONE, FIGURE = "outcome.json", "figure.json"
PARTS = ("table", "beside", "claims")


@dataclass(frozen=True)
class ExperimentForecast:
    """Seconds and memory that an experiment still needs; `memory_mib` is None where no like run was measured yet."""

    seconds: float
    memory_mib: float | None
    to_do: int
    cells: int


@dataclass(frozen=True)
class PaperRun:
    """An experiment with its folder."""

    spec: ExperimentSpec

    @property
    def experiment(self) -> Experiment:
        return EXPERIMENTS[self.spec.name]

    @property
    def folder(self) -> Path:
        return self.spec.folder

    def cells(self) -> list[Cell]:
        """The runs it consists of. Raises RunError or DataError where a dataset cannot give them."""
        return self.experiment.cells(self.spec)

    def states(self) -> pd.DataFrame:
        """One row per cell: dataset, mode (of its candidates), column, seed, run, state, message, share (of its phase,
        0 to 1)."""
        rows = []
        for cell in self.cells():
            run = Run(run_folder(cell.spec))
            status = run.status()
            share = min(1.0, status.step / status.total) if status.total else 0.0
            row = {"dataset": cell.dataset, "column": cell.column, "seed": cell.spec.seed, "run": run.id}
            row |= {"mode": cell.spec.candidates.mode}
            rows.append(row | {"state": status.state, "message": status.message or status.phase, "share": share})
        return pd.DataFrame(rows, columns=["dataset", "mode", "column", "seed", "run", "state", "message", "share"])

    def forecast(self) -> ExperimentForecast:
        """What is still to be spent; finished cells cost nothing."""
        cells = self.cells()
        waiting = [cell.spec for cell in cells if Run(run_folder(cell.spec)).status().state != "done"]
        alike = {_model_of(spec) for spec in waiting}
        known = [
            result.peak_memory_mib
            for run in list_runs()
            if _model_of(run.spec) in alike and (result := run.result()) is not None
        ]
        seconds = forecast(*waiting).seconds if waiting else 0.0
        return ExperimentForecast(seconds, max(known, default=None), len(waiting), len(cells))

    def run(self, progress: Progress, workers: Workers | None = None) -> Outcome:
        """Finish every cell that is not done, then make and store the outcome. The others go on where one fails.

        What is done stays done, so a killed experiment computes no cell twice.

        Parameters
        ----------
        progress
            Called as `progress(done, total, what)`.
        workers
            Score the candidates of UPSR's test users, and change no figure.

        Raises
        ------
        RunError
            Cells failed, with their reasons; a second call tries them again.
        """
        with logged(f"experiment {self.spec.name} {self.spec.digest}"):
            return self._run(progress, workers)

    def _run(self, progress: Progress, workers: Workers | None) -> Outcome:
        cells, failures, finished = self.cells(), [], []
        with storing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_record(self.folder / "spec.json", "experiment", {"spec": self.spec.model_dump(mode="json")})
        for number, cell in enumerate(cells):
            name = f"{cell.column} on {cell.dataset}, {number + 1} of {len(cells)}"

            def report(done: float, total: float, what: str, name: str = name) -> None:
                progress(done, total, f"{name}: {what}")

            try:
                finished.append((cell, finish(cell.spec, report, workers)))
            except UpsrError as error:
                failures.append(f"{cell.column} on {cell.dataset}: {error}")
                if Run(run_folder(cell.spec)).status().state == "cancelled":
                    break
        if failures:
            raise RunError(
                f"{len(failures)} of {len(cells)} cells did not finish", "; ".join(failures),
                f"`{self.spec.command}` tries them again and keeps the others.",
            )  # fmt: skip
        outcome = self.experiment.collect(self.spec, finished, progress)
        return self._write(outcome, finished)

    def _made_of(self) -> dict[str, str]:
        """Digests of the datasets and language models that the experiment knows by their names."""
        stored = {entry["name"]: entry["digest"] for entry in list_datasets()}
        found = {name: stored.get(name, "") for name in (*self.spec.datasets, *self.spec.pretrain_on)}
        for name in self.spec.plms:
            with suppress(ModelError):
                found[f"model {name}"] = weights_digest(name)
        return found

    def cancel(self) -> None:
        """Ask the running cell to stop, and every one that waits."""
        for cell in self.cells():
            queue.cancel(Run(run_folder(cell.spec)))

    def outcome(self) -> Outcome | None:
        """What a finished experiment left; None before, and where its data or models are others now.

        Raises RunError where it is damaged."""
        file = self.folder / DONE
        if not file.exists():
            return None
        try:
            record = read_record(file, "outcome")
            if record["made_of"] != self._made_of():
                return None  # of other data or weights, which had the same names
            tables = {name: pd.DataFrame(record[name]) for name in PARTS}
            figure = plotly.io.from_json(check_file(record, self.folder / FIGURE).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError) as error:
            what = f"What the experiment {self.spec.name} left cannot be read: {error}"
            how = "" if isinstance(error, Newer) else f"`{self.spec.command}` makes it again from its finished runs."
            raise RunError(what, str(self.folder), how) from error
        return Outcome(figure=figure, notes=tuple(record["notes"]), **tables)

    def _write(self, outcome: Outcome, finished: list[tuple[Cell, Run]]) -> Outcome:
        with storing(self.folder):
            return self._write_files(outcome, finished)

    def _write_files(self, outcome: Outcome, finished: list[tuple[Cell, Run]]) -> Outcome:
        folder = self.folder
        (folder / "specs").mkdir(exist_ok=True)
        for name in PARTS:
            write_csv(getattr(outcome, name), folder / f"{name}.csv")
        for _, run in finished:
            text = run.spec.model_dump_json(indent=2) + "\n"
            write_atomically(folder / "specs" / f"{run.id}.json", text)
        write_atomically(folder / FIGURE, outcome.figure.to_json())
        _, missing = write_figure(outcome.figure, folder)
        if missing:
            outcome = replace(outcome, notes=(*outcome.notes, f"The figure is there as a page only: {missing}."))
        write_atomically(folder / "command.txt", self.spec.command + "\n")
        write_json(folder / "versions.json", environment())
        record = {name: getattr(outcome, name).to_dict("records") for name in PARTS}
        record["made_of"] = self._made_of()
        # Written last, with the sum of the figure: an outcome is there whole or not at all.
        write_record(folder / DONE, "outcome", plain(record | {"notes": list(outcome.notes)}), [FIGURE])
        return outcome


def _model_of(spec: RunSpec) -> tuple[str, PlmRef | None]:
    """Runs that agree in it take about the same memory."""
    return spec.model.name, spec.plm if spec.reads_text else None


def usual_domains(name: str, datasets: Sequence[str]) -> tuple[str, ...]:
    """Domains that an experiment which needs some pre-trains on where none is named: two others of the sample, if all
    that is ranked is of the sample; none of one's own data are taken unasked."""
    of_sample = [sample_name(domain) for domain in DOMAINS]
    if EXPERIMENTS[name].pretrains != "must" or not set(datasets) <= set(of_sample):
        return ()
    return tuple(domain for domain in of_sample if domain not in datasets)[:2]


def study(
    name: str, datasets: tuple[str, ...], scale: str = "quick", plm: str = "embedded",
    pretrain_on: tuple[str, ...] = (), recipe: str = PAPER,
) -> PaperRun:  # fmt: skip
    """An experiment by name, with its folder; nothing is run yet.

    Parameters
    ----------
    name
        Of `registry.EXPERIMENTS`, such as table5.
    datasets
        Stored datasets, ranked one after the other.
    scale
        Of `experiment.SCALES`: smoke, quick or standard.
    plm
        A language model, or two with a comma.
    pretrain_on
        Domains of the pre-training, for experiments that have one.
    recipe
        Of every training of UPSR, a name of `training.recipes.RECIPES`.

    Raises
    ------
    RunError
        The name, scale or recipe is unknown, there is no dataset, or domains or models are named that it has no use
        for, or lacks.
    """
    for what, value, allowed in (
        ("experiment", name, EXPERIMENTS),
        ("scale", scale, SCALES),
        ("recipe", recipe, RECIPES),
    ):
        if value not in allowed:
            raise RunError(f"There is no {what} {value!r}", how=f"Choose among {', '.join(allowed)}.")
    if not datasets:
        raise RunError("An experiment needs a dataset", how="Name one, such as sample:movies.")
    experiment = EXPERIMENTS[name]
    if experiment.smaller and "," not in plm:
        plm = f"{experiment.smaller},{plm}"
    spec = ExperimentSpec(name=name, datasets=datasets, scale=scale, plm=plm, pretrain_on=pretrain_on, recipe=recipe)
    if pretrain_on and experiment.pretrains == "no":
        raise RunError(f"{experiment.title} pre-trains nothing", how="Leave the pre-training out.")
    if not pretrain_on and experiment.pretrains == "must":
        raise RunError(f"{experiment.title} needs domains to pre-train on", how="Name them, such as sample:books.")
    if not 1 <= len(spec.plms) <= experiment.plms:
        raise RunError(
            f"{experiment.title} takes {experiment.plms} language model{'s' if experiment.plms > 1 else ''} at most",
            plm or "none named", "Name one, or two with a comma.",
        )  # fmt: skip
    if len(set(spec.plms)) < len(spec.plms):
        raise RunError(f"{experiment.title} compares two language models", plm, "Name another one beside it.")
    return PaperRun(spec)
