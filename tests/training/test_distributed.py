"""Parts of a batch, two processes and accumulation: the training is the one of a single process."""

import multiprocessing
import os
import signal
import socket
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from upsr_core.errors import RunError
from upsr_core.plm.loading import load_tokenizer
from upsr_core.runtime import keep_threads
from upsr_core.text.design import Design, ItemDesign
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts
from upsr_core.training import distributed
from upsr_core.training.batches import MaskedBatches, Parts, Source
from upsr_core.training.objective import loss_of
from upsr_core.training.spec import TrainingSpec
from upsr_core.training.trainer import forward_is, train

SPEC = TrainingSpec(tokens=25_000, batch_tokens=512, last_only=0.5, learning_rate=1e-2, evaluations=3)
FROM = multiprocessing.get_context("forkserver")  # one import of torch and transformers for all processes
FROM.set_forkserver_preload(["upsr_core.training.trainer", "upsr_core.training.objective"])
HARDER = SPEC.model_copy(update={"informative": 0.5, "contrast": 1.0})


def small_model() -> T5ForConditionalGeneration:
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=8192, d_model=16, d_kv=8, num_heads=2, num_layers=1, d_ff=32, dropout_rate=0.0,
        decoder_start_token_id=0,
    )  # fmt: skip
    return T5ForConditionalGeneration(config)


def batches_of(spec: TrainingSpec, users: int = 60) -> MaskedBatches:
    rng = np.random.default_rng(0)
    items = pd.DataFrame([{"item_id": str(i), "title": f"Thing {'of wood ' * (i % 4)}number {i}"} for i in range(40)])
    design = Design(finetune=ItemDesign.of("title"))
    builder = SequenceBuilder(design, ItemTexts(design.finetune, items, load_tokenizer("embedded")))
    histories = [rng.integers(0, 40, size=int(size)) for size in rng.integers(2, 9, size=users)]
    weights = rng.random(len(builder.texts.ids)) if spec.informative else None
    return MaskedBatches([Source(builder, histories, weights)], spec, spec.tokens)


@pytest.mark.parametrize("spec", [SPEC, HARDER])
@pytest.mark.parametrize("of", [2, 3, 50])
def test_parts_have_the_loss_and_the_gradient_of_the_whole(spec, of):
    model, batches = small_model(), batches_of(spec)
    whole = loss_of(model, batches[1], spec)
    whole.backward()
    expected = [part.grad.clone() for part in model.parameters()]
    model.zero_grad()
    parts = Parts(batches, of)
    losses = [loss_of(model, parts[of + number], spec) / of for number in range(of)]
    sum(losses).backward()
    assert float(sum(losses)) == pytest.approx(float(whole), abs=1e-5)
    for part, gradient in zip(model.parameters(), expected, strict=True):
        assert torch.allclose(part.grad, gradient, atol=1e-5)


@pytest.mark.parametrize("spec", [SPEC, HARDER])
@pytest.mark.parametrize("cores", [2, 3])
def test_cores_have_the_loss_and_the_gradient_of_one_and_always_the_same(spec, cores):
    model, batch = small_model(), batches_of(spec)[1]

    def found(count):
        with keep_threads():
            torch.set_num_threads(count)
            model.zero_grad()
            loss = loss_of(model, batch, spec)
            (2 * loss).backward()
        return float(loss.detach()), [part.grad.clone() for part in model.parameters()]

    loss, gradients = found(cores)
    again, same = found(cores)
    assert again == loss and all(torch.equal(*pair) for pair in zip(gradients, same, strict=True))
    plain, expected = found(1)
    assert loss == pytest.approx(plain, abs=1e-5)
    for gradient, other in zip(gradients, expected, strict=True):
        assert torch.allclose(gradient, other, atol=2e-5)


def test_what_cannot_be_split_is_refused():
    with pytest.raises(RunError, match="cannot be split"):
        Parts([{}], 2)


def curve_of(folder, spec, accumulation=1) -> pd.DataFrame:
    curves = []
    loss = partial(loss_of, spec=spec)
    nothing = {"progress": lambda *_: None, "what": "training"}
    train(
        small_model(), batches_of(spec), spec, folder, **nothing, curve=curves.append, loss=loss,
        accumulation=accumulation,
    )  # fmt: skip
    return curves[-1].dropna(subset=["loss"]) if distributed.first() else pd.DataFrame()


def meet(rank: int, port: int) -> None:
    """Be one of two processes, told what torchrun tells."""
    told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in told.items()}, MASTER_ADDR="127.0.0.1", OMP_NUM_THREADS="1")
    distributed.connect()


def work(rank: int, port: int, folder) -> None:
    """One of two processes: a training with the terms beside the paper's."""
    meet(rank, port)
    curve = curve_of(folder / "checkpoints", HARDER)
    if distributed.first():
        curve.to_csv(folder / "curve.csv", index=False)


def shard(rank: int, port: int, folder) -> None:
    """One of two processes that hold half of every weight (FSDP), and a part of a batch."""
    from torch.distributed.fsdp import fully_shard

    model, batches = small_model(), batches_of(HARDER)
    os.environ["ACCELERATE_USE_FSDP"] = "true"  # as `accelerate launch` says it
    meet(rank, port)
    mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (2,))
    for module in (*model.encoder.block, *model.decoder.block, model):
        fully_shard(module, mesh=mesh)
    with forward_is(model, partial(loss_of, spec=HARDER)):
        loss = model(**batches.part(1, rank, 2))["loss"]
        loss.backward()
    torch.distributed.all_reduce(loss.detach_())
    gradients = [part.grad.full_tensor() for part in model.parameters()]
    if rank == 0:
        torch.save([loss / 2, *gradients], folder / "sharded.pt")


def test_sharded_weights_have_the_loss_and_the_gradient_of_whole_ones(tmp_path):
    model, batches = small_model(), batches_of(HARDER)
    whole = loss_of(model, batches[1], HARDER)
    whole.backward()
    assert ends(start(tmp_path, shard)) == [0, 0]
    loss, *gradients = torch.load(tmp_path / "sharded.pt")
    assert torch.allclose(loss, whole, atol=1e-5)
    for part, gradient in zip(model.parameters(), gradients, strict=True):
        assert torch.allclose(part.grad, gradient, atol=1e-5)


def start(folder, work=work) -> list:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [FROM.Process(target=work, args=(rank, port, folder)) for rank in range(2)]
    for process in started:
        process.start()
    return started


def ends(started, seconds=120) -> list[int]:
    for process in started:
        process.join(seconds)
    return [process.exitcode for process in started]


def test_two_processes_have_the_curve_of_one_and_resume_exactly_after_a_kill(tmp_path):
    alone = curve_of(tmp_path / "alone", HARDER)
    accumulated = curve_of(tmp_path / "accumulated", HARDER, accumulation=2)
    assert len(alone) >= 3 and alone.loss.iloc[-1] < alone.loss.iloc[0] - 0.5
    np.testing.assert_allclose(accumulated.loss, alone.loss, atol=1e-3)
    started = start(tmp_path)
    end = time.time() + 120
    while not list((tmp_path / "checkpoints").glob("checkpoint-*/sums.json")):
        assert time.time() < end and all(process.is_alive() for process in started)
        time.sleep(0.01)
    started[1].kill()
    assert ends(started) == [1, -signal.SIGKILL] and not (tmp_path / "curve.csv").exists()
    assert ends(start(tmp_path)) == [0, 0]
    resumed = pd.read_csv(tmp_path / "curve.csv")
    assert resumed.step.tolist() == alone.step.tolist() and resumed.tokens.tolist() == alone.tokens.tolist()
    np.testing.assert_allclose(resumed.loss, alone.loss, atol=1e-3)
