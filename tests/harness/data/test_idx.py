import numpy as np
import pytest

from harness.data import idx
from harness.errors import UserError

# Two images of 1×3 pixels, written by hand.
IMAGES = bytes.fromhex("00000803 00000002 00000001 00000003") + bytes([0, 1, 2, 253, 254, 255])


def test_images_are_read() -> None:
    images = idx.parse(IMAGES, where="here", dimensions=3)
    assert images.dtype == np.uint8
    assert images.tolist() == [[[0, 1, 2]], [[253, 254, 255]]]


def test_dump_writes_the_bytes_by_hand() -> None:
    assert idx.dump(np.array([[[0, 1, 2]], [[253, 254, 255]]], np.uint8)) == IMAGES


def test_only_bytes_are_written() -> None:
    with pytest.raises(TypeError, match="float64"):
        idx.dump(np.zeros(3))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "starts with nothing"),
        (b"<!DOCTYPE html>", "starts with 3c21444f"),
        (bytes.fromhex("00000801 00000002") + b"\1\2", "3 dimension"),  # labels in place of images
        (bytes.fromhex("00000d03") + IMAGES[4:], "unsigned bytes"),  # floats
        (IMAGES[:12], "3 dimension"),  # a header that is cut off
        (IMAGES[:-1], "has 21 bytes, but its header promises 22"),
        (IMAGES + b"\0", "has 23 bytes"),
    ],
)
def test_what_is_not_idx_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        idx.parse(content, where="t10k-images", dimensions=3)
    assert "t10k-images" in str(caught.value)
