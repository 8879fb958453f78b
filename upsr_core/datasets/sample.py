"""The embedded sample: seven invented domains that go through the real reader on the first start."""

from pathlib import Path

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.source_lines import sha256
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.store import list_datasets, load_dataset
from upsr_core.errors import DataError
from upsr_core.runtime import ASSETS, Progress

PRETRAINING_DOMAINS = ("books", "clothing", "sports", "movies")
NEW_DOMAINS = ("arts", "instruments", "pantry")
DOMAINS = PRETRAINING_DOMAINS + NEW_DOMAINS


def sample_name(domain: str) -> str:
    """The name under which a domain is stored.

    >>> sample_name("movies")
    'sample:movies'
    """
    return f"sample:{domain}"


def sample_files(domain: str) -> tuple[Path, Path]:
    """The metadata file and the review file of a domain in Amazon's 2018 format.

    Raises DataError where there is no such domain.
    """
    if domain not in DOMAINS:
        raise DataError(f"The embedded sample has no domain {domain!r}", how=f"Choose one of {', '.join(DOMAINS)}.")
    return ASSETS / "sample" / f"meta_{domain}.json.gz", ASSETS / "sample" / f"{domain}_5.json.gz"


def ensure_sample(progress: Progress | None = None) -> list[str]:
    """Import every domain of the embedded sample that is not stored as it is shipped.

    Parameters
    ----------
    progress
        Called with (domains done, to do, what). What it raises stops the work between two domains; those imported
        before stay.

    Returns
    -------
    list of str
        The names of the datasets that were imported.

    Raises
    ------
    DataError
        A file of the sample is missing or damaged.
    """
    stored = {entry["name"] for entry in list_datasets() if not entry["problem"]}
    missing = [domain for domain in DOMAINS if sample_name(domain) not in stored or not _as_shipped(domain)]
    for done, domain in enumerate(missing):
        if progress:
            progress(done, len(missing), f"importing {sample_name(domain)}")
        preparation = PreparationSpec.new_domain() if domain in NEW_DOMAINS else PreparationSpec()
        import_dataset(sample_name(domain), *sample_files(domain), preparation=preparation, synthetic=True)
    if progress and missing:
        progress(len(missing), len(missing), "the sample is ready")
    return [sample_name(domain) for domain in missing]


def _as_shipped(domain: str) -> bool:
    """Whether the stored domain was made of the files that this version ships."""
    spec = load_dataset(sample_name(domain)).spec
    return (*spec.items.sha256, *spec.events.sha256) == tuple(sha256(file) for file in sample_files(domain))
