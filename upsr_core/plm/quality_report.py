"""Quality reports of language models, kept by the digest of their weights; light enough for any page."""

from upsr_core.logs import warn
from upsr_core.plm.loading import locate, weights_digest
from upsr_core.runtime import home
from upsr_core.storage.records import Record, read_record, write_record

SHIPPED = "check.json"


def save_report(name: str, report: Record) -> None:
    """Keep what `upsr plm check` measured of a model."""
    file = home() / "plm-checks" / f"{weights_digest(name)}.json"
    file.parent.mkdir(exist_ok=True)
    write_record(file, "report", report)


def stored_report(name: str) -> Record | None:
    """The report of a model with exactly these weights: measured here, or shipped with it; None where there is none.

    A damaged one counts as none, and is measured again when a person wants it. Raises ModelError for an unknown model.
    """
    digest = weights_digest(name)
    for file in (home() / "plm-checks" / f"{digest}.json", locate(name) / SHIPPED):
        try:
            report = read_record(file, "report")
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            warn(f"quality report of {name}: {error}")
            continue
        if report.get("weights") == digest:
            return report
    return None
