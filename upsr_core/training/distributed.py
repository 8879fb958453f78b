"""A training in several processes, as torchrun and `accelerate launch` start them: who is who, values that all share.

Every process does the same; the first one alone writes files, validates and answers for the run.
"""

import atexit
import os
from datetime import timedelta
from typing import TypeVar

# The others wait while the first validates or waits in the queue, however long it takes.
PATIENCE = timedelta(days=7)
Value = TypeVar("Value")


def count() -> int:
    """How many processes train together; 1 where nobody started several."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """Whether this is the process that writes files."""
    return int(os.environ.get("RANK", "0")) == 0


def local_count() -> int:
    """How many of the processes are on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def connect() -> None:
    """Connect the processes, once; nothing where there is one."""
    if count() == 1:
        return
    import torch
    from accelerate import PartialState

    PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE)
    atexit.register(_disconnect)


def broadcast(value: Value) -> Value:
    """What the first process says, in all of them; `value` of the others does not count."""
    if count() == 1:
        return value
    import torch.distributed

    box = [value]
    torch.distributed.broadcast_object_list(box, src=0)
    return box[0]


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if count() > 1:
        import torch.distributed

        torch.distributed.barrier()


def sharded() -> bool:
    """Whether the processes hold a part of the weights each (FSDP), as `accelerate launch` says it."""
    return os.environ.get("ACCELERATE_USE_FSDP", "false").lower() in ("true", "1")


def _disconnect() -> None:
    """Let go of the others at the end: the first may go on alone."""
    import torch.distributed

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
