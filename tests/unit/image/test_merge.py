"""What is read of a registry while it is sent to another."""

from __future__ import annotations

from jettison.image.merge import _Download


class Stream:
    """The bytes of a blob, a few at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.is_closed = False

    def read(self, size: int = 1 << 20) -> bytes:
        part, self.data = self.data[: min(size, 3)], self.data[min(size, 3) :]
        return part

    def close(self) -> None:
        self.is_closed = True


def test_an_upload_that_goes_on_reads_up_to_where_it_was() -> None:
    stream = Stream(b"0123456789")
    file = _Download(stream)
    file.seek(0)
    file.seek(7)
    assert file.read(100) + file.read(100) == b"789"
    file.close()
    assert stream.is_closed
