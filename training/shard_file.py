"""Tensors that processes hold in parts, in safetensors files that any number of processes can read.

Each process writes the rows that it holds; the header says where they begin, in the words of
PyTorch's own safetensors checkpoints. A tensor that is not split is the case of one part.
"""

# R rows of a tensor's first dimension that one process holds

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor
from torch.distributed.tensor import DTensor, Replicate, Shard

_HEADER_KEY = "DCP_SHARDING_INFO"
_OFFSETS_KEY = "saved_offsets"


class StateFile(NamedTuple):
    """What one process writes into one file: views of live tensors, to be copied or written."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str] | None = None


class _Place(NamedTuple):
    first_row: int
    is_owner: bool
    """Whether this process writes the part: of equal copies only the first is written."""


class _Part(NamedTuple):
    path: Path
    first_row: int
    num_rows: int


def own_shards(tensors: Mapping[str, Tensor], *, rank: int) -> StateFile:
    """Return what this process has to write: its rows, and all of an unsplit tensor on rank 0."""
    own: dict[str, Tensor] = {}
    offsets: dict[str, dict[str, list[int]]] = {}
    for name, tensor in tensors.items():
        place = _place(tensor, rank=rank)
        local = local_part(tensor)
        if not place.is_owner or (local.dim() > 0 and local.shape[0] == 0):
            continue
        own[name] = local
        offsets[name] = {_OFFSETS_KEY: [place.first_row, *[0] * (local.dim() - 1)][: local.dim()]}
    return StateFile(own, {_HEADER_KEY: json.dumps(offsets, sort_keys=True)})


@torch.no_grad()
def load_shards(paths: Iterable[Path], into: Mapping[str, Tensor]) -> set[str]:
    """Fill this process's rows of each tensor from the files; return the names they hold.

    Raises:
        ValueError: the files hold a tensor in part only, or in another shape.
    """
    index = _index(paths)
    for name in index.keys() & into.keys():
        target = into[name]
        first = _place(target, rank=0).first_row
        _fill(local_part(target), index[name], name=name, first_row=first)
    return set(index)


def local_part(tensor: Tensor) -> Tensor:
    """Return the rows that this process holds; all of a plain tensor."""
    local = tensor.to_local() if isinstance(tensor, DTensor) else tensor
    return local.detach()


def _place(tensor: Tensor, *, rank: int) -> _Place:
    """Return where this process's part begins, by the chunks that FSDP makes of the rows."""
    if not isinstance(tensor, DTensor):
        return _Place(0, is_owner=rank == 0)
    coordinates = tensor.device_mesh.get_coordinate()
    assert coordinates is not None
    first_row, is_owner = 0, True
    for size, at, placement in zip(
        tensor.device_mesh.shape, coordinates, tensor.placements, strict=True
    ):
        if isinstance(placement, Replicate):
            is_owner &= at == 0
            continue
        assert isinstance(placement, Shard)
        assert placement.dim == 0
        first_row = min(tensor.shape[0], -(-tensor.shape[0] // size) * at)
    return _Place(first_row, is_owner)


def _index(paths: Iterable[Path]) -> dict[str, list[_Part]]:
    index: dict[str, list[_Part]] = {}
    for path in sorted(paths):
        with safe_open(path, framework="pt") as file:
            offsets = json.loads((file.metadata() or {}).get(_HEADER_KEY, "{}"))
            for name in file.keys():  # noqa: SIM118  not a dict
                shape = file.get_slice(name).get_shape()
                first = offsets.get(name, {}).get(_OFFSETS_KEY) or [0]
                part = _Part(path, first[0], shape[0] if shape else 1)
                index.setdefault(name, []).append(part)
    return index


def _fill(target: Tensor, parts: list[_Part], *, name: str, first_row: int) -> None:
    num_rows = target.shape[0] if target.dim() else 1
    num_filled = 0
    for part in parts:
        start = max(first_row, part.first_row)
        end = min(first_row + num_rows, part.first_row + part.num_rows)
        if start >= end:
            continue
        with safe_open(part.path, framework="pt") as file:
            if target.dim() == 0:
                target.copy_(file.get_tensor(name))
            else:
                rows_R = file.get_slice(name)[start - part.first_row : end - part.first_row]
                target[start - first_row : end - first_row].copy_(rows_R)
        num_filled += end - start
    if num_filled != num_rows:
        raise ValueError(f"{name}: the files hold {num_filled} of {num_rows} rows")
