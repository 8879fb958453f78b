"""Every T5, and encoders for text vectors, are loaded here: those of the product, a local folder, a hub id.

Tokenizers open without torch. Weights are read from safetensors only, and no model brings code of its own.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from safetensors import SafetensorError

from upsr_core.errors import ModelError
from upsr_core.runtime import ASSETS
from upsr_core.schema import digest_of
from upsr_core.text.tokenizer import TextTokenizer

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel, T5ForConditionalGeneration

Model = TypeVar("Model", bound="nn.Module")

SHIPPED = {name: ASSETS / "plm" / name for name in ("embedded", "behaviour", "small")}  # those whose folder is there
WAYS_OUT = "Use the model 'embedded', a folder with a T5 in safetensors format, or a hub id where the hub is reachable."
T5 = ("t5",)
ENCODERS = (*T5, "bert", "distilbert", "electra", "mpnet", "roberta", "xlm-roberta")  # as config.json names them
_COUNTED = ("mpnet", "roberta", "xlm-roberta")  # their positions begin after the number of the padding token
_VOCABULARIES = ("vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")
_READ_WITH = ("config.json", "tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
_FILES = ["*.json", "*.safetensors", "spiece.model", "vocab.txt", "merges.txt", "sentencepiece.bpe.model"]


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
    file = locate(name, ENCODERS) / "card.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def locate(name: str, kinds: tuple[str, ...] = T5) -> Path:
    """The folder of a model.

    Parameters
    ----------
    name
        One of `available`, a folder, or a hub id, which is looked up in the local cache first, then at the hub.
    kinds
        As config.json may name the model: T5 or ENCODERS.

    Raises
    ------
    ModelError
        At once where the folder is missing, its model is of another kind, or the hub cannot be reached.
    """
    if not name.strip():
        raise ModelError("No language model was named", how=WAYS_OUT)
    folder = SHIPPED.get(name) or _path(name)
    if not folder.is_dir():
        if name.startswith((".", "/", "~")) or name.count("/") > 1:
            raise ModelError(f"There is no model folder {name!r}", how=WAYS_OUT)
        folder = _from_hub(name)
    kind = _config(folder).get("model_type")
    if kind in kinds:
        return folder
    where = str(folder / "config.json")
    if kind in ENCODERS:
        raise ModelError(
            f"The model {name!r} is not a T5 but an encoder, {kind}: it reads texts and writes none",
            where,
            f"It can be the text encoder of UniSRec. {WAYS_OUT}",
        )
    others = [encoder for encoder in kinds if encoder not in T5]
    also = f" and no encoder that is known here ({', '.join(others)})" if others else ""
    raise ModelError(f"The model {name!r} is not a T5{also}", f"{where} names {kind!r}", WAYS_OUT)


def _path(name: str) -> Path:
    try:
        path = Path(name).expanduser()
        path.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # too long, or the home of somebody who is not here
        raise ModelError(f"No folder can be named {name!r}: {error}", how=WAYS_OUT) from None
    return path


def _config(folder: Path) -> dict:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"The model's configuration cannot be read: {error}", str(file), WAYS_OUT) from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelError("The model's configuration names no kind of model (model_type)", str(file), WAYS_OUT)
    return config


def width(name: str) -> int:
    """The size of a text vector of a model. Raises ModelError where its configuration does not say it."""
    config = _config(locate(name, ENCODERS))
    found = next((config[key] for key in ("d_model", "hidden_size", "dim") if key in config), None)
    if found is None:
        raise ModelError(f"The configuration of {name!r} names no width", str(locate(name, ENCODERS)), WAYS_OUT)
    return int(found)


def pooling(name: str) -> Literal["first", "mean"]:
    """What stands for a text: the state of its first token, or the mean over its tokens.

    UniSRec takes the first token of a BERT (Hou et al., KDD 2022, section 2.1). A T5 has none that stands for its
    text, so the mean does (Ni et al., Sentence-T5, ACL 2022), as it does where the folder of an encoder says that it
    was trained so (the pooling of Reimers and Gurevych, Sentence-BERT, EMNLP 2019).
    """
    folder = locate(name, ENCODERS)
    if _config(folder)["model_type"] in T5:
        return "mean"
    file = folder / "1_Pooling" / "config.json"
    return "mean" if file.is_file() and json.loads(file.read_text()).get("pooling_mode_mean_tokens") else "first"


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
    """The tokenizer of a T5, without torch where its folder has a tokenizer.json.

    Parameters
    ----------
    name
        As `locate` takes it; or a folder that holds a tokenizer alone.

    Raises
    ------
    ModelError
        There is none, it cannot be read, or it lacks the sentinels of a T5.
    """
    folder = _path(name)
    alone = any((folder / file).is_file() for file in ("tokenizer.json", "spiece.model"))
    if not alone or (folder / "config.json").is_file():
        folder = locate(name)
    if (folder / "tokenizer.json").is_file() or not (folder / "spiece.model").is_file():
        return TextTokenizer.from_folder(folder)
    from transformers import T5Tokenizer

    try:
        tokenizer = T5Tokenizer.from_pretrained(folder, extra_ids=100, local_files_only=True)
    except Exception as error:  # the library raises its own and others' errors for any damage
        raise ModelError(f"The tokenizer of {name!r} cannot be read: {error}", str(folder), WAYS_OUT) from None
    return TextTokenizer.of(tokenizer.backend_tokenizer)


@lru_cache(maxsize=8)
def load_text_tokenizer(name: str) -> TextTokenizer:
    """The tokenizer of a model whose text vectors are wanted, see `load_encoder`."""
    folder = locate(name, ENCODERS)
    if _config(folder)["model_type"] in T5:
        return load_tokenizer(name)
    if (folder / "tokenizer.json").is_file():
        return TextTokenizer.from_folder(folder, writes=False)
    if not any((folder / file).is_file() for file in _VOCABULARIES):
        raise ModelError(f"The model {name!r} has no tokenizer", str(folder), f"Add one of {', '.join(_VOCABULARIES)}.")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the library raises its own and others' errors for any damage
        raise ModelError(f"The tokenizer of {name!r} cannot be read: {error}", str(folder), WAYS_OUT) from None
    return TextTokenizer.of(tokenizer.backend_tokenizer, writes=False)


@lru_cache(maxsize=32)
def _file_digest(file: Path, size: int, changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def weights_digest(name: str, kinds: tuple[str, ...] = T5) -> str:
    """Identity of the weights of a model of one of the `kinds`; part of every run's specification."""
    folder = locate(name, kinds)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(
            f"The model {name!r} has no weights in safetensors format",
            str(folder),
            "Pickles are never read.",
        )
    return "-".join(_file_digest(f, f.stat().st_size, f.stat().st_mtime_ns) for f in files)


def model_digest(name: str, kinds: tuple[str, ...] = T5) -> str:
    """Identity of a model in a run's specification: that of its weights, and of a model that does not come with the
    product also of its configuration and tokenizer, which change what the same weights say."""
    weights = weights_digest(name, kinds)
    if name in SHIPPED:
        return weights
    folder = locate(name, kinds)
    files = sorted({file for pattern in (*_READ_WITH, *_VOCABULARIES) for file in folder.glob(pattern)})
    return digest_of([weights, {f.name: _file_digest(f, f.stat().st_size, f.stat().st_mtime_ns) for f in files}])


def load_model(name: str, dtype: str = "float32") -> "T5ForConditionalGeneration":
    """A T5 in evaluation mode, on the best device.

    Parameters
    ----------
    name
        As `locate` takes it. Weights are read from safetensors alone.
    dtype
        float32 or bfloat16; float16 overflows in T5.

    Raises
    ------
    ModelError
        The model cannot be found or read, lacks weights, or the dtype is another one.
    """
    if dtype not in ("float32", "bfloat16"):
        raise ModelError(f"T5 cannot be used in {dtype}", how="Choose float32 or bfloat16: float16 overflows.")
    import torch
    from transformers import T5ForConditionalGeneration
    from transformers.utils import logging

    weights_digest(name)
    logging.disable_progress_bar()
    try:
        loaded: object = T5ForConditionalGeneration.from_pretrained(
            locate(name), dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True,
            output_loading_info=True,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"The model {name!r} cannot be read: {error}", str(locate(name)), WAYS_OUT) from None
    # The library's own annotation leaves out the second part.
    model, report = cast("tuple[T5ForConditionalGeneration, dict[str, list[str]]]", loaded)
    _check_complete(name, sorted(report["missing_keys"]))
    vars(model)["accepts_loss_kwargs"] = False  # Trainer would otherwise mis-scale T5's loss under accumulation
    return _placed(model)


def _placed(model: Model) -> Model:
    """A model in evaluation mode, on the best device."""
    import torch

    # As torch does it: the annotation of the library's own `to` takes no device.
    return torch.nn.Module.to(model, "cuda" if torch.cuda.is_available() else "cpu").eval()


def _check_complete(name: str, missing: list[str]) -> None:
    """Raise ModelError where weights are missing: the library would draw them at random and go on."""
    if missing:
        raise ModelError(f"The model {name!r} lacks {len(missing)} weights", f"such as {missing[0]}", WAYS_OUT)


def load_encoder(name: str) -> "tuple[PreTrainedModel, int | None]":
    """What gives text vectors: the encoder of a T5, or a BERT-like one.

    Returns
    -------
    model : PreTrainedModel
        In evaluation mode, on the best device.
    most : int or None
        Tokens that it reads at most; None where there is no limit.

    Raises
    ------
    ModelError
        The model cannot be found or read, or a weight is missing.
    """
    folder = locate(name, ENCODERS)
    config = _config(folder)
    if config["model_type"] in T5:
        return load_model(name).encoder, None
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    weights_digest(name, ENCODERS)
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # a head that is not used here may be missing, or there without being asked for
    try:
        model, report = AutoModel.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False,
            output_loading_info=True,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"The model {name!r} cannot be read: {error}", str(folder), WAYS_OUT) from None
    _check_complete(name, sorted(key for key in report["missing_keys"] if not key.startswith("pooler.")))
    reserved = model.config.pad_token_id + 1 if config["model_type"] in _COUNTED else 0
    return _placed(model), model.config.max_position_embeddings - reserved
