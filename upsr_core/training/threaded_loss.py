"""The loss of a batch on several cores: a part for each, with its gradients, in a thread of its own."""

from collections.abc import Callable

import torch

from upsr_core.runtime import one_core_each

# Of a batch, what has a row for each of its histories; the rest is of the whole batch.
ROWS = ("input_ids", "attention_mask", "labels", "weights", "others")


def loss_in_threads(loss: Callable[[dict], torch.Tensor], model, batches: list[dict]) -> torch.Tensor:
    """The sum of `loss` over parts of a batch, with the gradients of the model's parameters.

    The sum is taken in the order of the parts, so that it is the same however the threads run.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return _InThreads.apply(loss, batches, *parameters)


def split(batch: dict[str, torch.Tensor], count: int) -> list[dict[str, torch.Tensor]]:
    """Every `count`-th history of a padded batch for each part, as all of a batch are sorted by length."""
    return [
        {name: rows[number::count] if name in ROWS else rows for name, rows in batch.items()} for number in range(count)
    ]


class _InThreads(torch.autograd.Function):
    """Each thread goes forward and back through its part, so that the gradients are known with the loss."""

    @staticmethod
    def forward(ctx, loss, batches, *parameters):
        half, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

        def of(batch: dict) -> tuple[torch.Tensor, tuple]:
            with torch.enable_grad():
                with torch.autocast("cpu", dtype, enabled=half):  # a thread has a setting of its own
                    found = loss(batch)
                return found.detach(), torch.autograd.grad(found, parameters, allow_unused=True)

        with one_core_each(len(batches)) as pool:
            found = list(pool.map(of, batches))
        ctx.gradients = [_sum(parts) for parts in zip(*(gradients for _, gradients in found), strict=True)]
        return sum(value for value, _ in found)

    @staticmethod
    def backward(ctx, gradient):
        return None, None, *(None if own is None else own.mul_(gradient) for own in ctx.gradients)


def _sum(parts: tuple[torch.Tensor | None, ...]) -> torch.Tensor | None:
    there = [part for part in parts if part is not None]
    for part in there[1:]:
        there[0].add_(part)
    return there[0] if there else None
