"""How the embedded T5 is made: span corruption, prefix language modelling and lists, with transformers' Trainer.

Started again with the same folders it goes on where it was: every batch depends on (seed, step) alone.
"""

from pathlib import Path

from tokenizers import Tokenizer
from transformers import (
    T5Config,
    T5ForConditionalGeneration,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_cosine_schedule_with_warmup,
)
from transformers.optimization import Adafactor

from upsr_core.runtime import Progress, keep_freed_memory, seed_everything
from upsr_core.storage.atomic import write_json
from workshop.language_model.bits_per_byte import bits_per_byte
from workshop.language_model.corpus import stream_of
from workshop.language_model.spec import PretrainingSpec
from workshop.language_model.texts import Library
from workshop.language_model.training_samples import Batches
from workshop.language_model.vocabulary import train_vocabulary

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "spiece.model")
MIX_KINDS = "span corruption, 15 % in spans of 3 on average; prefix language modelling, half of it from nothing; lists"


class _Report(TrainerCallback):
    def __init__(self, progress: Progress):
        self.progress = progress

    def on_step_end(self, args, state, control, **_):
        self.progress(state.global_step, state.max_steps, "pre-training")


def pretrain(
    library: Library,
    folder: Path,
    spec: PretrainingSpec,
    work_folder: Path,
    progress: Progress,
    title: str = "Embedded T5",
) -> dict:
    """Make a model in `folder` and return its card; `work_folder` keeps vocabulary, tokens, checkpoints: it resumes."""
    keep_freed_memory()
    batches = make_batches(library, spec, work_folder)
    model, log = _train(batches, work_folder / spec.digest, progress)
    model.bfloat16().save_pretrained(folder)
    for name in TOKENIZER_FILES:
        (folder / name).write_bytes((_tokenizer_folder(spec, work_folder) / name).read_bytes())
    model.float()
    card = {
        "title": title,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "layout": "T5 v1.0 (ReLU, tied and scaled output embedding), stored in bfloat16, computed in float32",
        "corpora": [
            {"name": corpus.name, "licence": corpus.licence, "characters": sum(map(len, corpus.paragraphs)),
             "tokens": len(stream.ids)}
            for corpus, stream in zip(library.corpora, batches.streams, strict=True)
        ] + [{"name": "generated listings of made-up things that belong together", "licence": "our own"}],
        "held_out": {
            "name": library.held_out.name,
            "bits_per_byte": bits_per_byte(model, batches.tokenizer, library.held_out.paragraphs),
        },
        "objective": MIX_KINDS,
        "real_tokens_seen": _tokens_seen(batches),
        "curve": [{"step": record["step"], "loss": float(record["loss"])} for record in log if "loss" in record],
        "limits": [
            "Small, trained on CPU cores within hours; its perplexity compares texts under this model only.",
            "English only. It has seen old books, software descriptions and a dictionary, and no real product.",
            "Listings of made-up products taught it the form of a shop's titles: maker first, amounts last.",
            "Lists of them taught it that entries of a list share words: it does not start from nothing there.",
        ],
        "spec": spec.model_dump(),
    }  # fmt: skip
    write_json(folder / "card.json", card)
    return card


def make_batches(library: Library, spec: PretrainingSpec, work_folder: Path) -> Batches:
    """The training batches; vocabulary and tokens are made when first asked for, and kept in `work_folder`."""
    work_folder.mkdir(parents=True, exist_ok=True)
    folder = _tokenizer_folder(spec, work_folder)
    if not (folder / "tokenizer.json").exists():
        lines = [line[:2000] for corpus in library.corpora for line in corpus.paragraphs]
        train_vocabulary(lines, folder, spec.vocabulary)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    streams = [
        stream_of(corpus.paragraphs, tokenizer, work_folder / f"tokens-{spec.vocabulary}-{number}.npz")
        for number, corpus in enumerate(library.corpora)
    ]
    return Batches(spec, streams, library.writer, tokenizer)


def _tokenizer_folder(spec: PretrainingSpec, work_folder: Path) -> Path:
    return work_folder / f"tokenizer-{spec.vocabulary}"


def _train(batches: Batches, checkpoints: Path, progress: Progress) -> tuple[T5ForConditionalGeneration, list[dict]]:
    """The trained model and Trainer's log."""
    spec = batches.spec
    seed_everything(spec.seed)
    config = T5Config(
        vocab_size=spec.vocabulary,
        d_model=spec.d_model,
        d_ff=spec.d_ff,
        d_kv=spec.d_kv,
        num_heads=spec.heads,
        num_layers=spec.encoder_layers,
        num_decoder_layers=spec.decoder_layers,
        dropout_rate=0.0,  # fine-tuning without dropout is also twice as fast on a CPU
    )
    config.decoder_start_token_id = 0
    model = T5ForConditionalGeneration(config)
    vars(model)["accepts_loss_kwargs"] = False  # Trainer would otherwise mis-scale T5's loss
    optimizer = Adafactor(
        model.parameters(), lr=spec.learning_rate, scale_parameter=True, relative_step=False, warmup_init=False
    )
    trainer = Trainer(
        model,
        TrainingArguments(
            str(checkpoints),
            per_device_train_batch_size=1,
            max_steps=spec.steps,
            save_steps=spec.checkpoints,
            save_total_limit=1,
            logging_steps=min(100, spec.checkpoints),
            report_to="none",
            seed=spec.seed,
            train_sampling_strategy="sequential",
            dataloader_num_workers=1,  # tokenising the lists takes a twentieth of a step
            dataloader_pin_memory=False,
            disable_tqdm=True,
        ),
        data_collator=lambda batch: batch[0],
        train_dataset=batches,
        optimizers=(optimizer, get_cosine_schedule_with_warmup(optimizer, spec.warmup, spec.steps)),
        callbacks=[_Report(progress)],
    )
    trainer.train(resume_from_checkpoint=checkpoints.exists() and any(checkpoints.iterdir()))
    return model.cpu().eval(), trainer.state.log_history


def _tokens_seen(batches: Batches) -> dict[str, int]:
    """Real tokens, counted by making every batch once more."""
    seen = {"encoder": 0, "decoder": 0}
    for step in range(len(batches)):
        batch = batches[step]
        seen["encoder"] += int(batch["attention_mask"].sum())
        seen["decoder"] += int((batch["labels"] != -100).sum())
    return seen
