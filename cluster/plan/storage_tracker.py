"""Sees each storage that comes and goes in a step, so that its peak can be told part by part.

As PyTorch's MemTracker does, but what a storage was is asked when the peak is known: a gradient is
born as a nameless product. docs/decisions/dry-build.md says where MemTracker's figures differ.
"""

import math
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, UntypedStorage
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._sharding_prop import ShardingPropagator
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Peak(NamedTuple):
    """The moment of most bytes since ``start``."""

    bytes_by_label: dict[str, int]
    phase: str


class _Life:
    """One storage at one size, from its first use to its end, in the tracker's own time."""

    __slots__ = ("born", "died", "label", "phase", "size")

    def __init__(self, size: int, label: str, phase: str, born: int) -> None:
        self.size, self.label, self.phase, self.born = size, label, phase, born
        self.died: int | None = None


class StorageTracker(TorchDispatchMode):
    """Counts the storages of one fake mode's tensors, by label.

    Args:
        mode: whose tensors are counted.
        label_of: a label for a new tensor by its shape, or nothing for that of the moment.
        block_bytes: what the allocator rounds up to.
    """

    def __init__(
        self, mode: FakeTensorMode, *, label_of: Callable[[Tensor], str], block_bytes: int
    ) -> None:
        super().__init__()
        self._mode = mode
        self._label_of = label_of
        self._block_bytes = block_bytes
        self._label = "activations"
        self._phase = ""
        self._is_blind = False
        self._time = 0
        self._lives: list[_Life] = []
        self._living: dict[int, tuple[weakref.ref[UntypedStorage], _Life]] = {}

    def start(self) -> None:
        """Forget what has ended: the peak is of the time from here on."""
        self._lives = [life for _, life in self._living.values()]

    @contextmanager
    def during(self, phase: str = "", *, label: str = "") -> Iterator[None]:
        """Name the moment, and give new storages a label."""
        before = self._phase, self._label
        self._phase, self._label = phase or self._phase, label or self._label
        try:
            yield
        finally:
            self._phase, self._label = before

    def mark(self, tensors: Iterable[Tensor], label: str) -> None:
        """Give the tensors' storages a label, from their beginning on."""
        for tensor in tensors:
            local = tensor._local_tensor if isinstance(tensor, DTensor) else tensor
            if isinstance(local, FakeTensor):
                self._see(local).label = label

    def peak(self, *, without: Collection[str] = ()) -> Peak:
        """Return the bytes of each label at the moment of most bytes.

        Args:
            without: labels that are kept elsewhere and do not count.
        """
        lives = [life for life in self._lives if life.label not in without]
        time, phase = _peak_time(lives)
        found: dict[str, int] = {}
        for life in lives:
            if life.born <= time and (life.died is None or life.died > time):
                found[life.label] = found.get(life.label, 0) + life.size
        return Peak(found, phase)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        """Run the operator and look at what it returned."""
        if any(issubclass(kind, DTensor) for kind in types):
            return NotImplemented  # it runs again on the local part of each
        result = func(*args, **(kwargs or {}))
        if not self._is_blind:
            for leaf in tree_leaves(result):
                if isinstance(leaf, FakeTensor) and leaf.fake_mode is self._mode:
                    self._see(leaf)
        return result

    def __enter__(self) -> "StorageTracker":
        """Also follow what FSDP resizes in place, and look away while DTensor asks for shapes."""
        self._resize = UntypedStorage.resize_
        self._ask_shape = ShardingPropagator._propagate_tensor_meta_non_cached
        tracker = self

        def resize(storage: UntypedStorage, size: int) -> None:
            tracker._resize(storage, size)
            tracker._resized(storage)

        def ask_shape(propagator: ShardingPropagator, schema: Any) -> Any:  # noqa: ANN401
            # It runs the operator on fake tensors of the whole, unsplit size, in our own mode.
            before, tracker._is_blind = tracker._is_blind, True
            try:
                return tracker._ask_shape(propagator, schema)
            finally:
                tracker._is_blind = before

        UntypedStorage.resize_ = resize  # pyright: ignore[reportAttributeAccessIssue]
        ShardingPropagator._propagate_tensor_meta_non_cached = ask_shape  # pyright: ignore
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:  # noqa: ANN401  torch's own
        """Put PyTorch's own back."""
        UntypedStorage.resize_ = self._resize
        ShardingPropagator._propagate_tensor_meta_non_cached = self._ask_shape
        super().__exit__(*error)

    def _see(self, tensor: FakeTensor) -> _Life:
        storage = tensor.untyped_storage()
        key = storage._cdata
        known = self._living.get(key)
        if known is not None:
            return known[1]
        life = self._begin(storage, self._label_of(tensor) or self._label)
        self._living[key] = (weakref.ref(storage, lambda _: self._end(key)), life)
        return life

    def _begin(self, storage: UntypedStorage, label: str) -> _Life:
        self._time += 1
        size = math.ceil(storage.nbytes() / self._block_bytes) * self._block_bytes
        phase = self._phase
        if torch._C._current_graph_task_id() != -1:
            phase = "backward"
        life = _Life(size, label, phase, self._time)
        self._lives.append(life)
        return life

    def _end(self, key: int) -> None:
        self._time += 1
        _, life = self._living.pop(key)
        life.died = self._time

    def _resized(self, storage: UntypedStorage) -> None:
        known = self._living.get(storage._cdata)
        if known is None:
            return
        reference, before = known
        self._time += 1
        before.died = self._time
        self._living[storage._cdata] = (reference, self._begin(storage, before.label))


def _peak_time(lives: Iterable[_Life]) -> tuple[int, str]:
    """Return when most bytes were there, and the phase of the storage that came last."""
    changes: list[tuple[int, int, str]] = []
    for life in lives:
        changes.append((life.born, life.size, life.phase))
        if life.died is not None:
            changes.append((life.died, -life.size, life.phase))
    total, most, when, phase = 0, 0, 0, ""
    for time, size, name in sorted(changes):
        total += size
        if total > most:
            most, when, phase = total, time, name
    return when, phase
