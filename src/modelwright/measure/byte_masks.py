"""What Numba lacks to read text 64 bytes at a time, without a branch for each byte: masks of bytes, and their bits.

LLVM makes a few vector instructions of each on any processor; the functions are inlined where kernels call them.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import int64, uint8, uint64
from numba.core import cgutils
from numba.extending import intrinsic

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 64
"""Bytes of a mask."""
KERNEL: dict[str, bool] = {"cache": True, "nogil": True, "_nrt": False}
"""Options of a kernel that allocates nothing: else Numba counts references to an array wherever it is handed on, which
costs more than what these kernels do with a word."""
_WORD = ir.IntType(64)


def _load(context, builder, kind, array, place, loaded):
    """A value of type `loaded` from the bytes of the array at `place`, wherever it lies."""
    data = cgutils.create_struct_proxy(kind)(context, builder, array).data
    address = builder.bitcast(builder.gep(data, [place]), loaded.as_pointer())
    return builder.load(address, align=1)


@intrinsic
def bytes_between(_typing, data, place, low, high):
    """Bit i says whether byte `place` + i of `data`, which must be there, lies in low .. high."""

    def build(context, builder, signature, arguments):
        array, start, least, most = arguments
        lanes = ir.VectorType(ir.IntType(8), BLOCK)
        block = _load(context, builder, signature.args[0], array, start, lanes)

        def everywhere(value):
            one = builder.insert_element(ir.Constant(lanes, ir.Undefined), value, ir.IntType(32)(0))
            return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), None))

        inside = builder.icmp_unsigned(
            "<=", builder.sub(block, everywhere(least)), everywhere(builder.sub(most, least))
        )
        return builder.bitcast(inside, _WORD)

    return uint64(data, int64, uint8, uint8), build


@intrinsic
def eight_bytes(_typing, data, place):
    """Bytes `place` to `place` + 7 of `data`, which must be there, the first one lowest."""

    def build(context, builder, signature, arguments):
        array, start = arguments
        return _load(context, builder, signature.args[0], array, start, _WORD)

    return uint64(data, int64), build


@intrinsic
def lowest_bit(_typing, mask):
    """The place of the lowest bit that is set, 64 where none is."""

    def build(_context, builder, _signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return int64(uint64), build


@intrinsic
def count_bits(_typing, mask):
    """How many bits are set."""

    def build(_context, builder, _signature, arguments):
        return builder.ctpop(arguments[0])

    return int64(uint64), build


def tail_of(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The last bytes of `data` (at most BLOCK) with BLOCK zeros after them, so that masks can be read to the end."""
    tail = np.append(data[-BLOCK:], np.zeros(BLOCK, np.uint8))
    tail.flags.writeable = False
    return tail
