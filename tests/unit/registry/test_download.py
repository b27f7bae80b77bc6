"""What is read of a registry while it is sent to another."""

from __future__ import annotations

from jettison.registry.download import Download


class Stream:
    """The bytes of a blob from an offset on, a few at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.is_closed = False

    def read(self, size: int = 1 << 20) -> bytes:
        part, self.data = self.data[: min(size, 3)], self.data[min(size, 3) :]
        return part

    def close(self) -> None:
        self.is_closed = True


def test_an_upload_that_goes_on_reads_from_where_it_was() -> None:
    opened: list[tuple[int, Stream]] = []

    def open_at(offset: int) -> Stream:
        opened.append((offset, Stream(b"0123456789"[offset:])))
        return opened[-1][1]

    file = Download(open_at)
    file.seek(0)
    file.seek(7)
    assert not opened  # what is before is not fetched
    assert file.read(100) + file.read(100) == b"789"
    file.seek(2)
    assert opened[0][1].is_closed
    assert file.read(3) == b"234"
    file.close()
    assert [offset for offset, _ in opened] == [7, 2]
    assert opened[1][1].is_closed
    file.close()
