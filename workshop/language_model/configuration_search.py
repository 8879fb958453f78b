"""A small search over size, vocabulary and mix of objectives, every configuration with the same arithmetic."""

import json
from pathlib import Path

import numpy as np

from upsr_core.errors import DataError
from upsr_core.runtime import Progress
from upsr_core.storage.atomic import write_json
from workshop.language_model.pretraining import make_batches, pretrain
from workshop.language_model.spec import PretrainingSpec
from workshop.language_model.texts import Library

# What differs from the default.
CONFIGURATIONS: dict[str, dict] = {
    "default": {},
    "12k pieces": {"vocabulary": 12288},
    "no prefix objective": {"prefix": 0.0},
    "prefix instead of spans": {"prefix": 0.75},
    "wide and shallow": {"d_model": 256, "d_ff": 1024, "heads": 8, "encoder_layers": 3, "decoder_layers": 2},
    "small": {"d_model": 128, "d_ff": 512, "heads": 4},
}
SAMPLED = 40  # batches from which the arithmetic of a step is estimated


def flops_of_step(spec: PretrainingSpec, batches) -> float:
    """Mean floating-point operations of a training step (forward and backward), padding included."""
    inner = spec.heads * spec.d_kv
    attention, feed = 4 * spec.d_model * inner, 2 * spec.d_model * spec.d_ff
    encoder = spec.encoder_layers * (attention + feed)
    decoder = spec.decoder_layers * (2 * attention + feed) + spec.d_model * spec.vocabulary
    shapes = [
        (batch["input_ids"].numel(), batch["labels"].numel())
        for batch in (batches[step] for step in range(min(SAMPLED, len(batches))))
    ]
    return float(np.mean([6 * (inputs * encoder + labels * decoder) for inputs, labels in shapes]))


def search(library: Library, steps: int, work_folder: Path, progress: Progress) -> list[dict]:
    """Train every configuration with as much arithmetic as the default has in `steps` steps; best first.

    Each entry: name, what differs, steps, parameters, bits per byte on the held-out books. Resumes where it was cut
    off; the result is also in `work_folder/search.json`.
    """
    budget, found = None, []
    for number, (name, changes) in enumerate(CONFIGURATIONS.items()):
        spec = PretrainingSpec(steps=steps, warmup=min(100, max(1, steps // 5)), **changes)
        cost = flops_of_step(spec, make_batches(library, spec, work_folder))
        budget = budget or cost * steps  # of the default, which comes first
        spec = spec.model_copy(update={"steps": max(1, round(budget / cost))})
        folder = work_folder / "search" / spec.digest
        folder.mkdir(parents=True, exist_ok=True)

        def report(done: float, total: float, _: str, name=name, number=number) -> None:
            progress(number + done / total, len(CONFIGURATIONS), name)

        card = pretrain(library, folder, spec, work_folder, report)
        found.append(
            {
                "name": name,
                "changes": changes,
                "steps": spec.steps,
                "parameters": card["parameters"],
                "bits_per_byte": card["held_out"]["bits_per_byte"],
            }
        )
        write_json(work_folder / "search.json", sorted(found, key=lambda entry: entry["bits_per_byte"]))
    return sorted(found, key=lambda entry: entry["bits_per_byte"])


def write_on_card(folder: Path, found: list[dict]) -> None:
    """Put the search on the card of a finished model: `search`, and `over_best`, what its own configuration has of
    the best one's bits per byte at the budget of the search; None where it is not among them.

    Raises DataError where the folder has no card of a pre-trained model.
    """
    file = folder / "card.json"
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        finished = card["spec"]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError("There is no card of a pre-trained model", str(file), "`upsr plm build` writes one.") from None
    defaults = PretrainingSpec().model_dump(exclude={"steps", "warmup", "checkpoints", "seed"})
    own = [entry["bits_per_byte"] for entry in found if (defaults | entry["changes"]).items() <= finished.items()]
    write_json(file, {**card, "search": found, "over_best": own[0] / found[0]["bits_per_byte"] if own else None})
