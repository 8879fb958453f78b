"""Token ids with character offsets, without torch: the part of a language model that light pages need."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer

from upsr_core.errors import ModelError

UNKNOWN = ("<unk>", "[UNK]")
_OTHER_BRACKET = {"<": "["}
_BYTE = re.compile("<0x[0-9A-F]{2}>")


@dataclass(frozen=True)
class TextTokenizer:
    """The tokenizer of a T5 with its sentinels, or of a text encoder, which has none.

    Special strings inside an item's text are text, never special tokens.
    """

    backend: Tokenizer
    digest: str

    @classmethod
    def from_folder(cls, folder: Path, writes: bool = True) -> "TextTokenizer":
        """Read `tokenizer.json`. Raises ModelError where it is missing, broken, or lacks what `of` asks for."""
        file = Path(folder) / "tokenizer.json"
        if not file.is_file():
            raise ModelError("The folder has no tokenizer.json", str(folder), "Save a fast tokenizer there.")
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises bare Exception for any damage
            raise ModelError(f"The tokenizer cannot be read: {error}", str(file), "Copy the file again.") from None
        return cls.of(tokenizer, writes)

    @classmethod
    def of(cls, backend: Tokenizer, writes: bool = True) -> "TextTokenizer":
        """A tokenizer of a model that `writes` texts, or only reads them. Raises ModelError where the first has no
        sentinel tokens, or there is no unknown token."""
        if writes and (backend.token_to_id("<extra_id_0>") is None or backend.token_to_id("</s>") is None):
            raise ModelError(
                "The tokenizer has no <extra_id_0> or no </s>", how="Choose a T5 (v1.0, v1.1 or FLAN-T5) model."
            )
        backend.no_truncation()
        backend.no_padding()
        if all(backend.token_to_id(name) is None for name in UNKNOWN):
            raise ModelError(f"The tokenizer has none of the unknown tokens {', '.join(UNKNOWN)}", how="Use another.")
        return cls(backend, hashlib.sha256(backend.to_str().encode()).hexdigest()[:16])

    @cached_property
    def unknown(self) -> int:
        """What an item without any text is read as."""
        return next(token for name in UNKNOWN if (token := self.backend.token_to_id(name)) is not None)

    @cached_property
    def blank(self) -> int:
        """The id of a blank alone, which stands before some words; -1 where the tokenizer has none."""
        token = self.backend.token_to_id("▁")
        return -1 if token is None else token

    @cached_property
    def frame(self) -> tuple[list[int], list[int]]:
        """Ids that the model expects before and after a text, such as [CLS] and [SEP]."""
        encoding = self.backend.encode("x")
        own = [place for place, special in enumerate(encoding.special_tokens_mask) if not special]
        return encoding.ids[: own[0]], encoding.ids[own[-1] + 1 :]

    @cached_property
    def _special(self) -> re.Pattern:
        names = (token.content for token in self.backend.get_added_tokens_decoder().values() if token.special)
        return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)")

    def _as_text(self, text: str) -> str:
        """An item whose title holds "<extra_id_0>" must not open a mask; every character keeps its place."""
        return self._special.sub(lambda found: _OTHER_BRACKET.get(found[0][0], "(") + found[0][1:], text)

    @cached_property
    def end(self) -> int:
        """The id of `</s>`. Raises ModelError for a text encoder's tokenizer that has none."""
        token = self.backend.token_to_id("</s>")
        if token is None:
            raise ModelError("The tokenizer has no </s>", how="Choose a T5 (v1.0, v1.1 or FLAN-T5) model.")
        return token

    @cached_property
    def sentinels(self) -> tuple[int, ...]:
        """Ids of `<extra_id_0>`, `<extra_id_1>`, ... in this order."""
        ids = (self.backend.token_to_id(f"<extra_id_{number}>") for number in range(100))
        return tuple(token for token in ids if token is not None)

    def encode(self, text: str) -> list[int]:
        return self.backend.encode(self._as_text(text), add_special_tokens=False).ids

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of every text; faster than with offsets."""
        encodings = self.backend.encode_batch_fast([self._as_text(text) for text in texts], add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def encode_with_offsets(self, texts: Sequence[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Ids and character ranges (start, end) of every token of every text."""
        encodings = self.backend.encode_batch([self._as_text(text) for text in texts], add_special_tokens=False)
        return [(encoding.ids, encoding.offsets) for encoding in encodings]

    def continue_with(self, text: str) -> list[int]:
        """Ids of `text` where it follows other text without a space, such as the comma after an item."""
        if not text:
            return []
        anchor = self.encode("x")
        return self.encode("x" + text)[len(anchor) :]

    def tokens(self, ids: list[int]) -> list[str]:
        return [self.backend.id_to_token(token) or "" for token in ids]


def readable(tokens: list[str]) -> list[str]:
    """Tokens as text. A run of byte tokens, as rare characters have, becomes their character at its first place.

    >>> readable(["▁Movies", "▁", "<0x26>", "▁caf", "<0xC3>", "<0xA9>"])
    [' Movies', ' ', '&', ' caf', 'é', '']
    """
    texts, run = [token.replace("▁", " ") for token in tokens], []
    for place, token in enumerate([*tokens, ""]):
        if _BYTE.fullmatch(token):
            run.append(place)
        elif run:
            decoded = bytes(int(tokens[other][3:5], 16) for other in run).decode("utf-8", "replace")
            for other in run:
                texts[other] = ""
            texts[run[0]], run = decoded, []
    return texts
