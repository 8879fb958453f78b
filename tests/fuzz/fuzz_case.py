"""One broken input, what has to become of it, and how what became of it is judged."""

import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from upsr_core.errors import UpsrError
from upsr_core.runtime import forget_peak_memory, peak_memory_mib

SECONDS, MIB = 10.0, 1024.0  # of processor time, so that other work on the machine does not count


class Refusal(Exception):
    """A command or a page that refused its input; the text is all that a person was shown."""


@dataclass(frozen=True)
class Case:
    """`act` gets a folder, after `prepare` and on the clock; it returns what a person is told, or raises a refusal.

    ends: "refused": one clear message that matches `says` (its file, line or field) and names a way out;
    "mended": it went through, and what is told matches `says`; "taken": odd, but nothing is wrong with it.
    """

    name: str
    act: Callable[[Path], str]
    says: str = ""
    ends: Literal["refused", "mended", "taken"] = "refused"
    prepare: Callable[[Path], object] = lambda folder: None


def judge(case: Case, folder: Path) -> dict:
    """Run a case that was prepared: verdict ("ok", "traceback", "unclear"), message, processor seconds, peak MiB."""
    forget_peak_memory()
    started = time.process_time()
    verdict, message = "ok", ""
    try:
        message = case.act(folder)
        if case.ends == "refused":
            verdict, message = "unclear", f"it was taken: {message}"
        elif not re.search(case.says, message, re.IGNORECASE | re.DOTALL):
            verdict = "unclear"
    except UpsrError as error:
        message = str(error)
        verdict = _of_refusal(case, message, bool(error.how))
    except Refusal as refusal:
        message = str(refusal)
        verdict = _of_refusal(case, message, True)
    except BaseException:
        verdict, message = "traceback", traceback.format_exc()
    return {
        "name": case.name, "verdict": verdict, "message": message,
        "seconds": round(time.process_time() - started, 2), "mib": peak_memory_mib(),
    }  # fmt: skip


def _of_refusal(case: Case, message: str, way_out: bool) -> str:
    if case.ends != "refused" or "Traceback" in message or not way_out or len(message) > 3000:
        return "unclear"
    return "ok" if re.search(case.says, message, re.IGNORECASE | re.DOTALL) else "unclear"
