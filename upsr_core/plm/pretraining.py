"""How the embedded T5 is made: span corruption on books and on shelves, with transformers' Trainer, resumable.

Every step is a batch that depends on (seed, step) alone, so a resumed training sees what an undisturbed one sees.
"""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.utils.data import Dataset as TorchDataset
from transformers import (
    T5Config,
    T5ForConditionalGeneration,
    Trainer,
    TrainingArguments,
    get_cosine_schedule_with_warmup,
)
from transformers.optimization import Adafactor

from upsr_core.plm.corpus import read_books, tokens_of
from upsr_core.plm.corruption import corrupt, random_spans
from upsr_core.plm.shelves import ShelfWriter, book_vocabulary
from upsr_core.plm.vocabulary import train_vocabulary
from upsr_core.runtime import seed_everything, write_json
from upsr_core.schema import Spec

HELD_OUT_BOOKS = 4  # the last books in name order are never trained on


class PretrainingSpec(Spec):
    """Geometry, objective and budget of the embedded model; `tokens` in the card are counted, not planned."""

    vocabulary: int = 8192
    d_model: int = 192
    d_ff: int = 768
    d_kv: int = 32
    heads: int = 6
    encoder_layers: int = 4
    decoder_layers: int = 3
    steps: int = 5500
    batch_tokens: int = 4096
    length: int = 192
    shelves: float = 0.5
    learning_rate: float = 1.5e-2
    warmup: int = 100
    seed: int = 11


class Batches(TorchDataset):
    """Step `i` as one ready batch: `input_ids`, `attention_mask` (b, s) and `labels` (b, t) with -100 as padding."""

    def __init__(self, spec: PretrainingSpec, stream: np.ndarray, writer: ShelfWriter, tokenizer: Tokenizer, first=0):
        self.spec, self.stream, self.writer, self.tokenizer, self.first = spec, stream, writer, tokenizer, first
        self.sentinel = tokenizer.token_to_id("<extra_id_0>")
        self.count = spec.steps

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, step: int) -> dict:
        rng = np.random.default_rng([self.spec.seed, self.first + step])
        make = self._shelf if rng.random() < self.spec.shelves else self._chunk
        pairs = [make(rng) for _ in range(self.spec.batch_tokens // self.spec.length)]
        return pad([source for source, _ in pairs], [target for _, target in pairs])

    def _chunk(self, rng) -> tuple[list[int], list[int]]:
        start = int(rng.integers(0, len(self.stream) - self.spec.length))
        ids = np.asarray(self.stream[start : start + self.spec.length], dtype=np.int64)
        return corrupt(ids, random_spans(len(ids), rng), self.sentinel)

    def _shelf(self, rng) -> tuple[list[int], list[int]]:
        lead, items = self.writer.write(rng)
        ids = self.tokenizer.encode(lead, add_special_tokens=False).ids if lead else []
        texts = [self.tokenizer.encode(item, add_special_tokens=False).ids for item in items]
        room = np.cumsum([len(text) + 1 for text in texts]) + len(ids) <= self.spec.length
        texts = texts[: max(1, int(room.sum()))]
        last = len(texts) - 1
        # Whole entries as spans: the last one half of the time, otherwise one or two anywhere.
        chosen = {last} if rng.random() < 0.5 else set(rng.choice(last + 1, size=int(rng.integers(1, 3))).tolist())
        separator = self.tokenizer.encode("x,", add_special_tokens=False).ids[-1]
        spans = []
        for number, text in enumerate(texts):
            if number in chosen:
                spans.append((len(ids), len(ids) + len(text)))
            ids = [*ids, *text, separator]
        if rng.random() < 0.25:
            spans = random_spans(len(ids), rng)
        return corrupt(np.array(ids), spans, self.sentinel)


def pad(sources: list[list[int]], targets: list[list[int]]) -> dict:
    input_ids = torch.zeros(len(sources), max(map(len, sources)), dtype=torch.long)
    labels = torch.full((len(targets), max(map(len, targets))), -100)
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        input_ids[row, : len(source)] = torch.tensor(source)
        labels[row, : len(target)] = torch.tensor(target)
    return {"input_ids": input_ids, "attention_mask": (input_ids != 0).long(), "labels": labels}


def pretrain(books: Path, folder: Path, spec: PretrainingSpec, work: Path) -> None:
    """Make the embedded model in `folder`; `work` keeps the vocabulary, tokens and checkpoints for resuming."""
    work.mkdir(parents=True, exist_ok=True)
    texts = read_books(books)
    training, held_out = texts[:-HELD_OUT_BOOKS], texts[-HELD_OUT_BOOKS:]
    writer = ShelfWriter(book_vocabulary(" ".join(training)))
    tokenizer_folder = work / "tokenizer"
    if not (tokenizer_folder / "tokenizer.json").exists():
        rng = np.random.default_rng(spec.seed)
        shelves = [item for _ in range(20_000) for item in writer.write(rng)[1]]
        lines = [line[:2000] for text in training for line in text.split("\n")]
        train_vocabulary(lines + shelves, tokenizer_folder, spec.vocabulary)
    tokenizer = Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json"))
    seed_everything(spec.seed)
    model = T5ForConditionalGeneration(
        T5Config(
            vocab_size=spec.vocabulary,
            d_model=spec.d_model,
            d_ff=spec.d_ff,
            d_kv=spec.d_kv,
            num_heads=spec.heads,
            num_layers=spec.encoder_layers,
            num_decoder_layers=spec.decoder_layers,
            dropout_rate=0.0,  # fine-tuning without dropout is also twice as fast on a CPU
            decoder_start_token_id=0,
        )
    )
    model.accepts_loss_kwargs = False  # Trainer would otherwise mis-scale T5's loss
    stream = tokens_of(training, tokenizer, work / "training.npy")
    held = tokens_of(held_out, tokenizer, work / "held-out.npy")
    held_spec = spec.model_copy(update={"shelves": 0.0, "seed": spec.seed + 1})
    evaluation = Batches(held_spec, held, writer, tokenizer)
    evaluation.count = 12
    optimizer = Adafactor(
        model.parameters(), lr=spec.learning_rate, scale_parameter=True, relative_step=False, warmup_init=False
    )
    schedule = get_cosine_schedule_with_warmup(optimizer, spec.warmup, spec.steps)
    trainer = Trainer(
        model,
        TrainingArguments(
            str(work / "checkpoints"),
            per_device_train_batch_size=1,
            per_device_eval_batch_size=1,
            max_steps=spec.steps,
            eval_strategy="steps",
            eval_steps=500,
            save_steps=500,
            save_total_limit=1,
            logging_steps=25,
            report_to="none",
            seed=spec.seed,
            train_sampling_strategy="sequential",
            prediction_loss_only=True,
            disable_tqdm=True,
        ),
        data_collator=lambda batch: batch[0],
        train_dataset=Batches(spec, stream, writer, tokenizer),
        eval_dataset=evaluation,
        optimizers=(optimizer, schedule),
    )
    checkpoints = work / "checkpoints"
    trainer.train(resume_from_checkpoint=checkpoints.exists() and any(checkpoints.iterdir()))
    model.to(torch.bfloat16).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "spiece.model"):
        (folder / name).write_bytes((tokenizer_folder / name).read_bytes())
    write_json(
        folder / "card.json",
        _card(spec, model, trainer.state.log_history, trainer.train_dataset, len(stream), len(texts)),
    )


def _card(spec: PretrainingSpec, model, log: list[dict], batches: Batches, book_tokens: int, books: int) -> dict:
    """What the model is and is not; tokens are counted by making every batch once more."""
    seen = {"encoder": 0, "decoder": 0}
    for step in range(len(batches)):
        batch = batches[step]
        seen["encoder"] += int(batch["attention_mask"].sum())
        seen["decoder"] += int((batch["labels"] != -100).sum())
    return {
        "title": "Embedded T5",
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "layout": "T5 v1.0 (ReLU, tied and scaled output embedding), stored in bfloat16, computed in float32",
        "corpora": [
            {
                "name": f"{books} English books, the last {HELD_OUT_BOOKS} held out",
                "licence": "public domain",
                "tokens": book_tokens,
            },
            {"name": "generated shelves: lists of made-up things that belong together", "licence": "our own"},
        ],
        "objective": "span corruption, 15 % in spans of 3 on average; whole entries of a list in three of four shelves",
        "real_tokens_seen": seen,
        "held_out": [{"step": r["step"], "loss": float(r["eval_loss"])} for r in log if "eval_loss" in r],
        "limits": [
            "Small, trained on old books and generated lists in minutes to an hour on two CPU cores.",
            "It has never seen a product text; brand names and modern words fall into many small pieces.",
            "The generated lists show it that neighbours in a list share words: it does not start from nothing there.",
            "English only. Its perplexity compares texts under this model, not under a large one.",
        ],
        "spec": spec.model_dump(),
    }
