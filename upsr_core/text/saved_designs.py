"""Designs kept by name: one JSON file each in the folder `designs` of the home folder."""

from pathlib import Path
from urllib.parse import quote, unquote

from pydantic import ValidationError

from upsr_core.errors import DesignError, system_error
from upsr_core.runtime import home
from upsr_core.storage.atomic import storing
from upsr_core.storage.records import read_record, write_record
from upsr_core.text.design import Design, parse_design

# Always there; their names cannot be saved over.
PRESETS: dict[str, Design] = {
    "Paper (UPSR)": Design(),
    "Category, title, brand": parse_design("category,title,brand"),
    "Title only": parse_design("title"),
}


def save_design(name: str, design: Design) -> None:
    """Keep a design under a name; an earlier one of that name is replaced in one step.

    Raises DesignError for an empty or over-long name and for the name of a preset.
    """
    name = name.strip()
    if not name:
        raise DesignError("A saved design needs a name", how="Type one, such as 'with brand'.")
    if name in PRESETS:
        raise DesignError(f"{name!r} is the name of a preset", how="Choose another name.")
    file = _file(name)
    if len(file.name.encode()) > 200:
        raise DesignError("The name of the design is too long", f"{len(name)} characters", "Choose a shorter one.")
    with storing(file):
        file.parent.mkdir(exist_ok=True)
        write_record(file, "design", {"design": design.model_dump(mode="json")})


def load_design(name: str) -> Design:
    """A preset or saved design. Raises DesignError where there is none of that name or its file is damaged."""
    if name in PRESETS:
        return PRESETS[name]
    file = _file(name)
    try:
        return Design.model_validate(read_record(file, "design")["design"])
    except FileNotFoundError:
        known = ", ".join([*PRESETS, *list_designs()])
        raise DesignError(f"There is no design named {name!r}", how=f"Choose one of: {known}.") from None
    except (ValidationError, ValueError, KeyError, OSError, RecursionError, DesignError) as error:
        reason = error.what if isinstance(error, DesignError) else str(error).splitlines()[0]
        raise DesignError(
            f"The saved design {name!r} cannot be read: {reason}", str(file), "Delete it or save it again."
        ) from None


def list_designs() -> dict[str, Design]:
    """Saved designs by name, in the order of their names; damaged files are left out, `load_design` explains them."""
    designs = {}
    for name in files():
        try:
            designs[name] = load_design(name)
        except DesignError:
            continue
    return designs


def files() -> dict[str, Path]:
    """The files of saved designs by name, whether or not they can be read."""
    return {unquote(file.stem): file for file in sorted((home() / "designs").glob("*.json"))}


def delete_design(name: str) -> None:
    """Forget a saved design. Raises DesignError where there is none of that name, or it is a preset."""
    if name in PRESETS:
        raise DesignError(f"{name!r} is a preset and stays", how="Delete designs that you saved.")
    try:
        _file(name).unlink()
    except FileNotFoundError:
        raise DesignError(f"There is no design named {name!r}", how="It may have been deleted already.") from None
    except OSError as error:
        raise system_error(error) from error


def _file(name: str) -> Path:
    # A leading dot is not quoted by `quote`, and would hide the file.
    quoted = quote(name, safe="").replace(".", "%2E")
    return home() / "designs" / f"{quoted}.json"
