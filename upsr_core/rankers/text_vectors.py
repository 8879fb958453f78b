"""Items as vectors of a frozen language model, computed once for a catalogue, a design and a model."""

from pathlib import Path

import numpy as np
import torch

from upsr_core.datasets.store import Dataset
from upsr_core.plm.door import load_model, load_tokenizer, weights_digest
from upsr_core.runtime import Progress, home
from upsr_core.schema import digest_of
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import ItemTexts

BATCH_TOKENS = 8192


def text_vectors(dataset: Dataset, design: ItemDesign, plm: str, progress: Progress) -> np.ndarray:
    """Mean encoder states (n_items, d) float32 of every item's text, as cut by the design.

    A T5 has no first token that stands for its text, so the mean over the text's tokens does (Ni et al., Sentence-T5,
    ACL 2022). Items whose texts are the same as cut get the very same vector. Kept in the home folder.
    """
    tokenizer = load_tokenizer(plm)
    name = digest_of([dataset.digest, design.digest, weights_digest(plm), tokenizer.digest])
    file = home() / "text-vectors" / f"{name}.npy"
    if not file.exists():
        vectors = _encode(ItemTexts(design, dataset.items, tokenizer), load_model(plm).encoder, progress)
        _store(file, vectors)
    return np.load(file)


@torch.inference_mode()
def _encode(texts: ItemTexts, encoder, progress: Progress) -> np.ndarray:
    ids = [texts.ids_of(number) for number in range(len(texts))]
    first: dict[bytes, int] = {}
    place = np.array([first.setdefault(part.tobytes(), number) for number, part in enumerate(ids)])
    distinct = sorted(first.values(), key=lambda number: -len(ids[number]))
    vectors, done = np.zeros((len(ids), encoder.config.d_model), dtype=np.float32), 0
    while done < len(distinct):
        chosen = distinct[done : done + max(1, BATCH_TOKENS // len(ids[distinct[done]]))]
        parts = [torch.from_numpy(ids[number]).long() for number in chosen]
        padded = torch.nn.utils.rnn.pad_sequence(parts, batch_first=True).to(encoder.device)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(part) for part in parts], True).to(encoder.device)
        states = encoder(input_ids=padded, attention_mask=mask).last_hidden_state.float()
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        vectors[chosen] = mean.cpu().numpy()
        done += len(chosen)
        progress(done, len(distinct), "reading item texts")
    return vectors[place]


def _store(file: Path, vectors: np.ndarray) -> None:
    file.parent.mkdir(exist_ok=True)
    temporary = file.with_suffix(f".{np.random.default_rng().integers(1 << 40)}.npy")
    np.save(temporary, vectors)
    temporary.replace(file)
