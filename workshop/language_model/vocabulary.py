"""The embedded model's own SentencePiece vocabulary, saved as a tokenizer folder that transformers reads."""

from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

SENTINELS = 100


def train_vocabulary(sentences, folder: Path, size: int) -> None:
    """Train a unigram model with byte fallback on an iterator of sentences and store `size` pieces and sentinels.

    Ids follow T5: 0 padding, 1 end of sequence, 2 unknown, sentinels at the end in reversed order. With byte
    fallback every text has an encoding without the unknown piece.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prefix = folder / "spiece"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_prefix=str(prefix),
        vocab_size=size - SENTINELS,
        model_type="unigram",
        byte_fallback=True,
        split_digits=True,
        character_coverage=0.9995,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        pad_piece="<pad>",
        num_threads=2,
        train_extremely_large_corpus=False,
        input_sentence_size=600_000,
        shuffle_input_sentence=True,
        minloglevel=1,
    )
    prefix.with_suffix(".vocab").unlink()
    save_tokenizer(prefix.with_suffix(".model"), folder)


def save_tokenizer(model_file: Path, folder: Path) -> None:
    """Turn a SentencePiece model into `tokenizer.json` with T5's sentinels, which needs neither torch nor pickles."""
    from transformers import PreTrainedTokenizerFast

    # The class is made when the module is imported, so that no reader of the source knows it.
    proto = sentencepiece_model_pb2.ModelProto.FromString(model_file.read_bytes())  # type: ignore[attr-defined]
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    sentinels = [f"<extra_id_{i}>" for i in reversed(range(SENTINELS))]
    tokenizer = Tokenizer(Unigram(pieces + [(name, 0.0) for name in sentinels], unk_id=2, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
            normalizers.Strip(left=True, right=True),
            normalizers.Replace(pattern=Regex(" {2,}"), content=" "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in sentinels])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=sentinels[::-1],
        model_max_length=512,
    ).save_pretrained(folder)
