import numpy as np

from harness.data.placement import bounds, place


def test_images_come_to_their_places() -> None:
    images = np.random.default_rng(0).integers(1, 256, (5, 3, 4)).astype(np.uint8)
    top, left = np.array([0, 5, -1, 2, 7]), np.array([4, 0, 2, -3, 6])
    expected = np.zeros((5, 8, 8), np.uint8)
    for n in range(5):
        for row in range(3):
            for column in range(4):
                y, x = row + top[n], column + left[n]
                if 0 <= y < 8 and 0 <= x < 8:
                    expected[n, y, x] = images[n, row, column]
    assert np.array_equal(place(images, top, left, 8), expected)


def test_bounds_of_what_is_lit() -> None:
    images = np.zeros((2, 5, 6), np.uint8)
    images[0, 1, 2] = images[0, 3, 5] = 1
    images[1, 4, 0] = 255
    assert [b.tolist() for b in bounds(images, 1)] == [[1, 4], [3, 4]]
    assert [b.tolist() for b in bounds(images, 2)] == [[2, 0], [5, 0]]
