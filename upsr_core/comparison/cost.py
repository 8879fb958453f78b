"""What a run cost, how it learned, and what the indicators say of its texts."""

import json
import struct
from pathlib import Path

import numpy as np
import pandas as pd

from upsr_core.comparison.entries import Compared
from upsr_core.errors import UpsrError
from upsr_core.indicators.profile import Setting, profile, stored_result
from upsr_core.indicators.result import CHEAP, MODEL_BASED, IndicatorResult
from upsr_core.plm.loading import locate
from upsr_core.runs.run import Run
from upsr_core.runs.text_cuts import TextCuts


def cost(compared: Compared) -> pd.DataFrame:
    """One row per run: id (of the entry), label, run, seed, seconds (of its last start; with the training or
    pre-training of weights that it took from another run), resumed, peak_mib, parameters,
    tokens (seen in training), instances (evaluated). What was not recorded is NaN."""
    rows = []
    for entry in compared.entries:
        for run in entry.runs:
            result, curve = run.finished_result(), run.curve()
            row = {"id": entry.id, "label": entry.label, "run": run.id, "seed": run.spec.seed}
            taken = run.trained_by not in (run.id, None)  # the weights of another run: what they cost is its cost too
            elsewhere = run.training_seconds or 0.0 if taken else run.pretraining_elsewhere
            row |= {"seconds": result.seconds + elsewhere, "resumed": result.resumed}
            row |= {"peak_mib": result.peak_memory_mib, "parameters": parameters(run)}
            row |= {"tokens": float(curve.tokens.max()) if len(curve) else 0.0, "instances": result.users}
            rows.append(row)
    return pd.DataFrame(rows)


def parameters(run: Run) -> float:
    """How many weights the run's model has, read from the headers of its files; NaN where they are not there."""
    folder, spec = run.model_folder, run.spec
    if not folder.exists():
        if spec.trains:
            return np.nan
        if not spec.reads_text:
            return 0.0
        try:
            folder = locate(spec.plm.name, spec.kind.plm_kinds)
        except UpsrError:
            return np.nan
    counts = [_tensors(file) for file in folder.glob("*.safetensors")] + [
        _arrays(file) for file in folder.glob("*.npz")
    ]
    return float(sum(counts)) if counts else np.nan


def _tensors(file: Path) -> int:
    """Elements of all tensors of a safetensors file; its header is JSON behind its length in eight bytes."""
    with file.open("rb") as opened:
        header = json.loads(opened.read(struct.unpack("<Q", opened.read(8))[0]))
    return sum(int(np.prod(part["shape"])) for name, part in header.items() if name != "__metadata__")


def _arrays(file: Path) -> int:
    """Elements of all arrays of floating-point numbers of a .npz file."""
    with np.load(file, allow_pickle=False) as arrays:
        return sum(arrays[name].size for name in arrays if arrays[name].dtype.kind == "f")


def curves(compared: Compared) -> pd.DataFrame:
    """The validations of every run that learned: id, label, run, seed, mode (of the validation), share (of what the run
    saw in all, 0 to 1), tokens, ndcg10, user_dependence. Models count what they saw differently, so a share it is."""
    frames = []
    for entry in compared.entries:
        for run in entry.runs:
            curve = run.curve()
            known = curve.dropna(subset=["ndcg10"])
            if known.empty:
                continue
            frame = known[["tokens", "ndcg10", "user_dependence"]].assign(
                id=entry.id, label=entry.label, run=run.id, seed=run.spec.seed, mode=run.spec.validation.mode
            )
            frames.append(frame.assign(share=known.tokens / curve.tokens.max()))
    columns = ["id", "label", "run", "seed", "mode", "share", "tokens", "ndcg10", "user_dependence"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def indicators(compared: Compared) -> dict[str, dict[str, IndicatorResult]]:
    """The indicators of the text of every entry that reads text, by its id: the cheap ones, and those of the language
    model that were measured before with the settings the page Indicators opens with."""
    found = {}
    for entry in compared.entries:
        spec = entry.runs[0].spec
        if not spec.reads_text:
            continue
        setting, design = Setting(spec.dataset.load(), spec.plm.name), spec.design.finetune
        results = profile(setting, design, lambda *_: None, CHEAP)
        for name in MODEL_BASED:
            kept = stored_result(name, setting, design)
            if kept is not None:
                results[name] = kept
        found[entry.id] = results
    return found


def cuts(compared: Compared) -> dict[str, TextCuts]:
    """What the caps left of the texts of every entry that reads text, by its id."""
    kept = {entry.id: entry.runs[0].finished_result().cuts for entry in compared.entries}
    return {number: cuts for number, cuts in kept.items() if cuts}
