"""Items as vectors of a frozen language model, computed once for a catalogue, a design and a model."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from upsr_core.datasets.store import Dataset
from upsr_core.errors import ModelError
from upsr_core.plm.loading import ENCODERS, load_encoder, load_text_tokenizer, pooling, weights_digest
from upsr_core.runtime import Progress, home
from upsr_core.schema import digest_of
from upsr_core.storage.arrays import keep_arrays, kept_arrays
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts
from upsr_core.text.text_cache import texts_of

BATCH_TOKENS = 8192


def text_vectors(
    dataset: Dataset, design: ItemDesign, plm: str, progress: Progress, words_dropped: float = 0.0
) -> np.ndarray:
    """A vector (n_items, d) float32 of every item's text, as cut by the design; `plm.door.pooling` says which.

    Items whose texts are the same as cut get the very same vector. With `words_dropped` it is that of the text
    without this share of its words, drawn once for each item (see `without_words`). Kept in the home folder. Raises
    ModelError where the model reads no text as long as the longest.
    """
    tokenizer, pooled = load_text_tokenizer(plm), pooling(plm)
    made_of = [dataset.digest, design.digest, weights_digest(plm, ENCODERS), tokenizer.digest, pooled]
    name = digest_of(made_of + ([words_dropped] if words_dropped else []))
    file = home() / "text-vectors" / f"{name}.npz"
    kept = kept_arrays(file, "vectors")
    if kept is None:
        if words_dropped:
            design.check(dataset.attributes, dataset.name)
            texts = ItemTexts(design, without_words(dataset.items, design.attributes, words_dropped), tokenizer)
        else:
            texts = texts_of(dataset, design, tokenizer)
        encoder, most = load_encoder(plm)
        # A T5 reads the bare text, every other encoder the text in the frame that it was trained with.
        before, after = tokenizer.frame if most else ([], [])
        longest = int(np.diff(texts.offsets).max()) + len(before) + len(after)
        if most and longest > most:
            raise ModelError(
                f"The model {plm!r} reads at most {most} tokens, the longest item text has {longest}",
                how=f"Cap the items of the design at {most - len(before) - len(after)} tokens or fewer.",
            )
        kept = {"vectors": _encode(texts, encoder, pooled, before, after, progress)}
        keep_arrays(file, **kept)
    return kept["vectors"]


def without_words(items: pd.DataFrame, attributes: Sequence[str], share: float) -> pd.DataFrame:
    """The same items, each word of these attributes left out with probability `share`; the same words every time.

    Words are what spaces divide, as in the preparation of UniSRec's pre-training data.
    """
    rng, columns = np.random.default_rng(0), dict[str, list[str]]()
    for name in attributes:
        parts = [value.split(" ") for value in items[name]]
        kept = iter((rng.random(sum(map(len, parts))) >= share).tolist())
        columns[name] = [" ".join([word for word in words if next(kept)]) for words in parts]
    return items.assign(**columns)


@torch.inference_mode()
def _encode(texts: ItemTexts, encoder, pooled: str, before: list[int], after: list[int], progress: Progress):
    ids = [np.concatenate([before, texts.ids_of(number), after]).astype(np.int64) for number in range(len(texts))]
    first: dict[bytes, int] = {}
    place = np.array([first.setdefault(part.tobytes(), number) for number, part in enumerate(ids)])
    distinct = sorted(first.values(), key=lambda number: -len(ids[number]))
    vectors, done = np.zeros((len(ids), encoder.config.hidden_size), dtype=np.float32), 0
    padding = encoder.config.pad_token_id or 0
    while done < len(distinct):
        chosen = distinct[done : done + max(1, BATCH_TOKENS // len(ids[distinct[done]]))]
        parts = [torch.from_numpy(ids[number]) for number in chosen]
        padded = torch.nn.utils.rnn.pad_sequence(parts, True, padding).to(encoder.device)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(part) for part in parts], True).to(encoder.device)
        states = encoder(input_ids=padded, attention_mask=mask).last_hidden_state.float()
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        vectors[chosen] = (mean if pooled == "mean" else states[:, 0]).cpu().numpy()
        done += len(chosen)
        progress(done, len(distinct), "reading item texts")
    return vectors[place]
