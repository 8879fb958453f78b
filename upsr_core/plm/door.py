"""One door to every T5: the embedded one, a local folder, a hub id. Tokenizers open without torch."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from upsr_core.errors import ModelError
from upsr_core.runtime import ASSETS
from upsr_core.text.tokenizer import TextTokenizer

SHIPPED = {name: ASSETS / "plm" / name for name in ("embedded", "behaviour")}  # those whose folder is there
WAYS_OUT = "Use the model 'embedded', a folder with a T5 in safetensors format, or a hub id where the hub is reachable."
_FILES = ["*.json", "*.safetensors", "spiece.model"]


@dataclass(frozen=True)
class PlmInfo:
    """A language model that can be chosen: `name` is what `locate` takes, `parameters` a count."""

    name: str
    title: str
    parameters: int
    vocabulary: int


def available() -> list[PlmInfo]:
    """The models that come with the product. Any folder or hub id can be given besides."""
    found = []
    for name, folder in SHIPPED.items():
        if folder.is_dir():
            config, parameters = json.loads((folder / "config.json").read_text()), int(card(name)["parameters"])
            title = f"{card(name)['title']}, {parameters / 1e6:.1f} M parameters"
            found.append(PlmInfo(name, title, parameters, config["vocab_size"]))
    return found


def card(name: str) -> dict:
    """The model card of a model that we made; an empty record for a foreign one."""
    file = locate(name) / "card.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def locate(name: str) -> Path:
    """The folder of a model. A hub id is looked up in the local cache first and then, once, at the hub.

    Raises ModelError at once where the folder is missing, has no T5, or the hub cannot be reached.
    """
    if not name.strip():
        raise ModelError("No language model was named", how=WAYS_OUT)
    folder = SHIPPED.get(name) or Path(name).expanduser()
    if not folder.is_dir():
        if name.startswith((".", "/", "~")) or name.count("/") > 1:
            raise ModelError(f"There is no model folder {name!r}", how=WAYS_OUT)
        folder = _from_hub(name)
    config = folder / "config.json"
    if config.is_file() and json.loads(config.read_text()).get("model_type") != "t5":
        raise ModelError(f"The model {name!r} is not a T5", str(config), WAYS_OUT)
    return folder


def _from_hub(name: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True, allow_patterns=_FILES))
    except LocalEntryNotFoundError:
        pass
    except HFValidationError:
        raise ModelError(f"{name!r} is neither a folder nor a hub id", how=WAYS_OUT) from None
    try:
        # One question with a time limit, because the download itself would retry for half a minute.
        HfApi().model_info(name, timeout=5)
    except HfHubHTTPError as error:
        raise ModelError(
            f"The hub does not give the model {name!r}: {error.server_message or 'refused'}", how=WAYS_OUT
        ) from None
    except Exception as error:  # the client raises several libraries' own errors for an unreachable network
        reason = type(error).__name__
        raise ModelError(
            f"The model {name!r} is not stored here and the hub cannot be reached", reason, WAYS_OUT
        ) from None
    return Path(snapshot_download(name, allow_patterns=_FILES))


@lru_cache(maxsize=8)
def load_tokenizer(name: str) -> TextTokenizer:
    """The tokenizer of a model, without torch where the folder has a tokenizer.json."""
    folder = locate(name)
    if (folder / "tokenizer.json").is_file() or not (folder / "spiece.model").is_file():
        return TextTokenizer.from_folder(folder)
    from transformers import T5Tokenizer

    return TextTokenizer.of(T5Tokenizer.from_pretrained(folder, extra_ids=100, local_files_only=True).backend_tokenizer)


@lru_cache(maxsize=32)
def _file_digest(file: Path, size: int, changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def weights_digest(name: str) -> str:
    """Identity of a model's weights; part of every run's specification."""
    files = sorted(locate(name).glob("*.safetensors"))
    if not files:
        raise ModelError(
            f"The model {name!r} has no weights in safetensors format",
            str(locate(name)),
            "Pickles are never read.",
        )
    return "-".join(_file_digest(f, f.stat().st_size, f.stat().st_mtime_ns) for f in files)


def load_model(name: str, dtype: str = "float32"):
    """The T5ForConditionalGeneration of a model in evaluation mode, on the best device.

    `dtype` is float32 or bfloat16; float16 overflows in T5 and is refused.
    """
    if dtype not in ("float32", "bfloat16"):
        raise ModelError(f"T5 cannot be used in {dtype}", how="Choose float32 or bfloat16: float16 overflows.")
    import torch
    from transformers import T5ForConditionalGeneration
    from transformers.utils import logging

    weights_digest(name)
    logging.disable_progress_bar()
    try:
        model = T5ForConditionalGeneration.from_pretrained(
            locate(name), dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"The model {name!r} cannot be read: {error}", str(locate(name)), WAYS_OUT) from None
    model.accepts_loss_kwargs = False  # Trainer would otherwise mis-scale T5's loss under accumulation
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
