"""What a source gives; how sources are tried in turn is tested in `test_gather`."""

import gzip

import pytest

from harness.data.sources import uncompressed


def test_a_compressed_bomb_is_not_unpacked() -> None:
    assert len(uncompressed(gzip.compress(bytes(10_000_000)), 1000)) == 1001


@pytest.mark.parametrize("content", [b"plain", b"\x1f\x8bno gzip after all"])
def test_what_is_not_gzip_comes_back_as_it_is(content: bytes) -> None:
    assert uncompressed(content, 100) == content
