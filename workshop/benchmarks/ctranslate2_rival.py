"""CTranslate2's `score_batch` as a rival, in a process of its own: its threads and torch's never share one.

`python -m workshop.benchmarks.ctranslate2_rival FOLDER THREADS` serves: a JSON line in, a JSON line out.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import numpy as np

from upsr_core.errors import ModelError


class CTranslate2:
    """A T5 v1.0 converted to CTranslate2 in fp32; use it as a context manager.

    Raises ModelError where ctranslate2 is not installed. Its converter scales v1.1 and FLAN-T5 wrongly with
    transformers 5, so these are refused too.
    """

    def __init__(self, model, threads: int):
        try:
            from ctranslate2.converters import TransformersConverter
        except ImportError:
            raise ModelError("CTranslate2 is not installed", how="pip install 'upsr-studio[bench]'") from None
        if not model.config.scale_decoder_outputs:
            raise ModelError("CTranslate2 is compared on T5 v1.0 only", how="Its converter mis-scales other layouts.")
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.folder = TemporaryDirectory()
        source, target = Path(self.folder.name) / "t5", Path(self.folder.name) / "ct2"
        model.save_pretrained(source)
        _numbers_as_tokens(model.config.vocab_size).save_pretrained(source)
        TransformersConverter(str(source)).convert(str(target))
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(target), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _pipe(self.process.stdin).close()
        self.process.wait()
        self.folder.cleanup()

    def score(
        self, sequence: np.ndarray, texts: list[np.ndarray], sentinel: int, batch: int
    ) -> tuple[float, np.ndarray]:
        """(seconds inside its process, sums of log-probabilities (c,)), as `rivals.naive` counts them."""
        targets = [[sentinel, *ids.tolist()] for ids in texts]
        questions, answers = _pipe(self.process.stdin), _pipe(self.process.stdout)
        questions.write(json.dumps({"source": sequence.tolist(), "targets": targets, "batch": batch}) + "\n")
        questions.flush()
        answer = json.loads(answers.readline())
        return answer["seconds"], np.array(answer["sums"])


def _pipe(stream: IO[str] | None) -> IO[str]:
    """A pipe that was asked for. Raises OSError where the process was started without it."""
    if stream is None:
        raise OSError("the process has no such pipe")
    return stream


def _numbers_as_tokens(size: int):
    """A tokenizer whose token `i` is called "i": the converter asks for names, the rival for ids."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    words = WordLevel({str(number): number for number in range(size)}, unk_token="2")
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(words), pad_token="0", eos_token="1", unk_token="2", model_max_length=512
    )


def serve(folder: str, threads: int) -> None:
    """Answer requests until the input ends."""
    import ctranslate2

    translator = ctranslate2.Translator(folder, device="cpu", compute_type="float32", intra_threads=threads)
    for line in sys.stdin:
        request = json.loads(line)
        source = list(map(str, request["source"]))
        targets = [list(map(str, ids)) for ids in request["targets"]]
        start = time.perf_counter()
        results = translator.score_batch([source] * len(targets), targets, max_batch_size=request["batch"])
        seconds = time.perf_counter() - start
        # The first log-probability is the sentinel's, the last one the end token's.
        sums = [sum(result.log_probs[1 : len(ids)]) for result, ids in zip(results, targets, strict=True)]
        print(json.dumps({"seconds": seconds, "sums": sums}), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
