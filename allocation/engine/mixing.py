"""Numbers of 64 bits, stirred: what digests of columns are made with."""

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]


def mixed(values: Bits) -> Bits:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): one to one, and each bit of the output depends on all of the input."""
    found = values + np.uint64(0x9E3779B97F4A7C15)
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(found ^ (found >> np.uint64(31)), dtype=np.uint64)
