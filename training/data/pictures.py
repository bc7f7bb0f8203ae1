"""The pictures of examples, decoded and resized exactly as the model server does before it asks the network.

A small set is held in memory at the network's size; of a large one, what does not fit is read again each time.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from contract.errors import ApiError, Overloaded
from contract.limits import BODIES
from model_server.cores import cores
from model_server.images import decode_image
from model_server.preprocess import needed_side, resized
from models.input_output import InputSpec
from training.data.examples import Example
from training.errors import CorruptData, NoMemory

Pixels = NDArray[np.uint8]

MAX_CACHED_BYTES = 512 * 1024 * 1024
"""3,500 pictures of 224 x 224 pixels."""

_CHUNK = 256  # pictures that are decoded before the next look at whether the machine is being taken away
_NAMED = 3


class Pictures:
    """The readable ones among examples; the others are counted and left out."""

    def __init__(self, spec: InputSpec, max_cached_bytes: int = MAX_CACHED_BYTES) -> None:
        self._spec = spec
        self._side = needed_side(spec)
        self._room = max_cached_bytes
        self._cached: dict[Example[int], Pixels] = {}

    def read(self, examples: Sequence[Example[int]], name: str, between: Callable[[], None]) -> Sequence[Example[int]]:
        """Opens each once and gives those that can be read; calls `between` every few seconds.

        Raises CorruptData when more than a hundredth cannot be.
        """
        readable, faults = [], []
        with tqdm(total=len(examples), desc=f"reading {name}", unit="picture") as bar:
            for example, pixels in self._decoded(examples, between):
                bar.update()
                if isinstance(pixels, str):
                    faults.append(f"{example.file.parent.name}/{example.file.name} ({pixels})")
                    continue
                readable.append(example)
                if pixels.nbytes <= self._room:
                    self._room -= pixels.nbytes
                    self._cached[example] = pixels
        if faults:
            _tell(faults, len(examples))
        return readable

    def pixels(self, example: Example[int]) -> Pixels:
        """(height, width, 3), of the network's size. Raises CorruptData for a file that has changed since."""
        pixels = self._cached.get(example)
        read = self._decode(example) if pixels is None else pixels
        if isinstance(read, str):
            raise CorruptData(f"{example.file.name} could be read before, and cannot any more: {read}; start again")
        return read

    def _decoded(
        self, examples: Sequence[Example[int]], between: Callable[[], None]
    ) -> Iterator[tuple[Example[int], Pixels | str]]:
        with ThreadPoolExecutor(cores()) as pool:
            for first in range(0, len(examples), _CHUNK):
                between()
                chunk = examples[first : first + _CHUNK]
                yield from zip(chunk, pool.map(self._decode, chunk), strict=True)

    def _decode(self, example: Example[int]) -> Pixels | str:
        """The pixels, or why there are none."""
        try:
            if example.file.stat().st_size > BODIES.upload:
                return "PAYLOAD_TOO_LARGE"
            return np.asarray(resized(decode_image(example.file.read_bytes(), self._side), self._spec))
        except Overloaded as error:
            raise NoMemory(f"{example.file.name} takes more memory than there is; choose a larger instance") from error
        except ApiError as error:
            return error.code()
        except OSError as error:
            return error.strerror or type(error).__name__


def _tell(faults: Sequence[str], total: int) -> None:
    named = ", ".join(faults[:_NAMED]) + (" …" if len(faults) > _NAMED else "")
    if len(faults) > CorruptData.tolerated * total:
        raise CorruptData(
            f"{len(faults)} of {total} pictures cannot be read, more than {CorruptData.tolerated:.0%}: {named}; "
            "mend or remove them"
        )
    tqdm.write(f"Left out {len(faults)} of {total} pictures, which cannot be read: {named}")
