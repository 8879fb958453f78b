"""Quality reports of language models, kept by the digest of their weights; light enough for any page."""

import json

from upsr_core.plm.loading import locate, weights_digest
from upsr_core.runtime import home
from upsr_core.storage.atomic import write_json

SHIPPED = "check.json"


def save_report(name: str, report: dict) -> None:
    """Keep what `upsr plm check` measured of a model."""
    file = home() / "plm-checks" / f"{weights_digest(name)}.json"
    file.parent.mkdir(exist_ok=True)
    write_json(file, report)


def stored_report(name: str) -> dict | None:
    """The report of a model with exactly these weights: measured here, or shipped with it; None where there is none.

    Raises ModelError for an unknown model.
    """
    digest = weights_digest(name)
    for file in (home() / "plm-checks" / f"{digest}.json", locate(name) / SHIPPED):
        try:
            report = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if report.get("weights") == digest:
            return report
    return None
