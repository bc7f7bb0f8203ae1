"""The file that rows are appended to, so that a run goes on where the last one ended, however it ended."""

import fcntl
import os
from pathlib import Path

from experiments.batch.errors import OutputFault
from experiments.batch.rows import Format, Row
from models.registry import Model


class Output:
    """Every line in it is whole, but for the last one while a power cut or a kill is fresh: opening it mends that."""

    def __init__(self, file: Path, form: Format, model: Model) -> None:
        """Raises OutputFault for a file that cannot be continued: in use, of another model, or no rows at all."""
        self._file, self._form = file, form
        if file.exists() and not file.is_file():
            raise OutputFault(f"{file}: is no file that rows can be appended to; give another --out")
        try:
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise OutputFault(f"{file}: {error.strerror}; give another --out") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.names = self._mended(model)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise OutputFault(f"{file}: another run writes to it; wait for that, or give another --out") from error
        except BaseException:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        """Lets another run have it."""
        os.close(self._descriptor)

    def _mended(self, model: Model) -> set[str]:
        """The names that have a row already, once what a kill left of a line is cut off."""
        content = self._file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._refuse_unless_ours(content, whole)
            os.ftruncate(self._descriptor, len(whole))
        lines = whole.decode(errors="replace").split("\n")[:-1]
        if self._form.header:
            if not lines:
                self._append(self._form.header)
            elif lines.pop(0) + "\n" != self._form.header:
                raise OutputFault(f"{self._file}: has other columns than the rows of this model; give another --out")
        return {self._name(line, at, model) for at, line in enumerate(lines, start=2 if self._form.header else 1)}

    def _refuse_unless_ours(self, content: bytes, whole: bytes) -> None:
        """A file without a single line is somebody's note, unless it begins as ours do."""
        begins = self._form.header.encode() or b'{"name":'
        if not whole and not (begins.startswith(content) or content.startswith(begins)):
            raise OutputFault(f"{self._file}: holds no rows; give another --out")

    def _name(self, line: str, at: int, model: Model) -> str:
        ours = (model.spec.name, model.spec.model.version)
        try:
            name, *of = self._form.read(line)
        except ValueError as error:
            raise OutputFault(f"{self._file}: line {at} is no row; give another --out") from error
        if tuple(of) != ours:
            raise OutputFault(f"{self._file}: has rows of {' '.join(of)}, not of {' '.join(ours)}; give another --out")
        return name

    def write(self, row: Row) -> None:
        """Appends `row`. Raises OutputFault when there is no room; the file then ends with the row before."""
        self._append(self._form.line(row))

    def _append(self, line: str) -> None:
        data, size = line.encode(), os.fstat(self._descriptor).st_size
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            os.ftruncate(self._descriptor, size)
            raise OutputFault(f"{self._file}: {error.strerror}; make room, and run the same again to go on") from error
