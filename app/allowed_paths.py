"""Which files and folders a browser may name: all of this machine where only this machine can ask, few elsewhere."""

import os
from ipaddress import ip_address
from pathlib import Path

import streamlit as st

from upsr_core.errors import DataError
from upsr_core.runtime import home

ROOTS = "UPSR_ROOTS"  # folders, separated as in PATH


def asked_from_afar() -> bool:
    """Whether others than the person at this machine may use the studio: it listens beyond it, or behind a proxy."""
    headers = st.context.headers
    forwarded = any(name in headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"))
    return forwarded or not _is_this_machine(st.get_option("server.address"))


def _is_this_machine(address: str | None) -> bool:
    """
    >>> [_is_this_machine(address) for address in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "studio.lan", None)]
    [True, True, True, False, False, False]
    """
    try:
        return address == "localhost" or ip_address(address or "").is_loopback
    except ValueError:
        return False


def roots() -> tuple[Path, ...] | None:
    """The folders that may be read by name, with all below them; None where every path may be named."""
    named = os.environ.get(ROOTS)
    if named is None and not asked_from_afar():
        return None
    folders = [Path(part).expanduser() for part in (named or "").split(os.pathsep) if part.strip()]
    return tuple(folder.resolve() for folder in [*(folders or [Path.cwd()]), home()])


def allowed(path: Path) -> Path:
    """The path itself, where it lies in a root; a link counts where it leads.

    Raises DataError for any other, whether there is such a file or not.
    """
    within = roots()
    if within is None:
        return path
    try:
        place = path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError("This path cannot be read", ascii(str(path)), "Check the path.") from error
    if not any(place.is_relative_to(root) for root in within):
        raise DataError(
            "This studio reads no files there",
            str(path),
            f"Upload the file, or put it into {' or '.join(map(str, within))}. Who runs the studio sets {ROOTS}.",
        )
    return path


def allowed_model(name: str) -> str:
    """The name of a language model, where it is shipped, a hub id, or a folder in a root. Raises DataError else."""
    if name.strip() and (name.startswith((".", "/", "~")) or name.count("/") > 1 or _is_there(name)):
        allowed(Path(name))
    return name


def _is_there(name: str) -> bool:
    try:
        return Path(name).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False
