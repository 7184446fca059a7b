"""What DistributedDataParallel holds beside its module, made of tensors that can be fake.

Its own buckets are filled in C++, which needs real memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

_BUCKET_BYTES = 25 * 2**20
"""PyTorch's bucket_cap_mb."""


class DdpStandIn(DistributedDataParallel):
    """The module with the buckets in which its gradients are summed over the processes.

    They are as large as all gradients, and stay from step to step (Li et al. 2020, section 4.2).
    """

    def __init__(self, module: nn.Module, **_: object) -> None:
        nn.Module.__init__(self)
        self.module = module
        trained = [weight for weight in module.parameters() if weight.requires_grad]
        self.buckets: list[Tensor] = []
        room = 0
        for weight in reversed(trained):
            room += weight.numel() * weight.element_size()
            if room >= _BUCKET_BYTES:
                self._add_bucket(room, trained[0].device)
                room = 0
        self._add_bucket(room, trained[0].device)

    def _add_bucket(self, size_bytes: int, device: torch.device) -> None:
        self.buckets.append(torch.empty(size_bytes, dtype=torch.uint8, device=device))

    def forward(self, *inputs: object, **settings: object) -> Tensor:
        """Return what the module does."""
        return self.module(*inputs, **settings)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Sum nothing: as it is always."""
        yield
