import numpy as np
import pytest
import torch

from harness.data import Examples
from harness.data.batches import Batches, evaluation_batches
from harness.errors import UserError

CPU = torch.device("cpu")


def examples(count: int, size: int = 28) -> Examples:
    """Image n holds n + 1 in one corner and the label n % 10; its other pixels are random and lit."""
    images = np.random.default_rng(0).integers(1, 256, (count, size, size)).astype(np.uint8)
    images[:, 0, 0] = np.arange(count) % 255 + 1
    return Examples(images, (np.arange(count) % 10).astype(np.uint8))


def batches(data: Examples, *, image_size: int = 28, batch_size: int = 10, shift: int = 0, seed: int = 1) -> Batches:
    return Batches(data, image_size=image_size, batch_size=batch_size, shift=shift, seed=seed, device=CPU)


def as_bytes(images: torch.Tensor) -> np.ndarray:
    return np.rint(images[:, 0].numpy().astype(np.float64) * 255).astype(np.uint8)


def test_shapes_and_types() -> None:
    images, labels = batches(examples(50), image_size=40).at(0)
    assert (images.shape, images.dtype) == ((10, 1, 40, 40), torch.float32)
    assert (labels.shape, labels.dtype) == ((10,), torch.int64)
    assert images.min() == 0
    assert images.max() == 1


def test_every_example_once_an_epoch_with_its_label() -> None:
    data = examples(200)
    source = batches(data)
    for epoch in range(3):
        drawn = [source.at(epoch * source.per_epoch + i) for i in range(source.per_epoch)]
        images = np.concatenate([as_bytes(images) for images, _ in drawn])
        labels = np.concatenate([labels.numpy() for _, labels in drawn])
        which = images[:, 0, 0].astype(int) - 1
        assert sorted(which) == list(range(200))
        assert np.array_equal(images, data.images[which])
        assert np.array_equal(labels, data.labels[which])


def test_last_incomplete_batch_is_left_out() -> None:
    source = batches(examples(59))
    assert source.per_epoch == 5
    seen = {int(corner) for i in range(5) for corner in as_bytes(source.at(i)[0])[:, 0, 0]}
    assert len(seen) == 50


def test_pure_function_of_seed_and_iteration() -> None:
    data = examples(60)
    forwards, backwards = batches(data, image_size=40), batches(data, image_size=40)
    first = [forwards.at(i) for i in range(18)]
    for i in reversed(range(18)):
        images, labels = backwards.at(i)
        assert torch.equal(images, first[i][0])
        assert torch.equal(labels, first[i][1])


def test_epochs_and_seeds_differ() -> None:
    data = examples(60)
    orders = [
        as_bytes(torch.cat([batches(data, seed=seed).at(6 * epoch + i)[0] for i in range(6)]))[:, 0, 0].tolist()
        for seed, epoch in ((1, 0), (1, 1), (2, 0))
    ]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_placement_reaches_all_169_places_and_loses_nothing() -> None:
    images = np.zeros((5000, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 27, 27] = 1, 2
    source = batches(Examples(images, np.zeros(5000, np.uint8)), image_size=40, batch_size=5000, shift=2)
    placed = as_bytes(source.at(0)[0])
    assert (placed.sum(axis=(1, 2)) == 3).all()
    tops, lefts = np.nonzero(placed == 1)[1:]
    counts = np.zeros((13, 13))
    np.add.at(counts, (tops, lefts), 1)  # fails beyond 12
    assert counts.min() > 0
    assert abs(counts - 5000 / 169).max() < 6 * np.sqrt(5000 / 169)


def test_shift_is_what_a_plain_loop_gives_and_reaches_both_ends() -> None:
    data = examples(100)
    found = set()
    images, _ = batches(data, batch_size=100, shift=2).at(0)
    for image in as_bytes(images):
        matches = [
            (n, dy, dx)
            for dy in range(-4, 5)
            for dx in range(-4, 5)
            for n in range(100)
            if image[14 + dy, 14 + dx] == data.images[n, 14, 14]
            and np.array_equal(image, shifted(data.images[n], dy, dx))
        ]
        assert len(matches) == 1
        found.add(matches[0][1:])
    assert {dy for dy, _ in found} == {dx for _, dx in found} == {-2, -1, 0, 1, 2}


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    result = np.zeros_like(image)
    for row in range(28):
        for column in range(28):
            if 0 <= row - down < 28 and 0 <= column - right < 28:
                result[row, column] = image[row - down, column - right]
    return result


def test_no_shift_leaves_images_alone() -> None:
    data = examples(20)
    images = as_bytes(batches(data, batch_size=20).at(0)[0])
    assert np.array_equal(np.sort(images[:, 0, 0]), np.arange(1, 21))
    assert np.array_equal(images, data.images[images[:, 0, 0].astype(int) - 1])


def test_values_are_exact_quotients() -> None:
    data = Examples(np.arange(256, dtype=np.uint8).reshape(1, 16, 16), np.zeros(1, np.uint8))
    images, _ = batches(data, image_size=16, batch_size=1).at(0)
    expected = (np.arange(256, dtype=np.float64) / 255).astype(np.float32)
    assert np.array_equal(images.numpy().reshape(-1), expected)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"image_size": 20}, "28×28 pixels, but the model's image_size is 20"),
        ({"batch_size": 51}, "a batch of 51 cannot be made of 50"),
        ({"batch_size": 0}, "a batch of 0"),
    ],
)
def test_impossible_settings_are_the_users_mistake(settings: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        batches(examples(50), **settings)


def test_evaluation_takes_all_in_order() -> None:
    data = examples(25)
    drawn = list(evaluation_batches(data, 10, CPU))
    assert [len(labels) for _, labels in drawn] == [10, 10, 5]
    assert np.array_equal(np.concatenate([as_bytes(images) for images, _ in drawn]), data.images)
    assert torch.cat([labels for _, labels in drawn]).tolist() == data.labels.tolist()
    assert drawn[0][0].shape == (10, 1, 28, 28)
    assert drawn[0][0].dtype == torch.float32
    assert drawn[0][1].dtype == torch.int64


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_sees_what_a_cpu_sees() -> None:
    data = examples(60)
    gpu = Batches(data, image_size=40, batch_size=10, shift=0, seed=1, device=torch.device("cuda"))
    for i in (0, 5, 6):
        for there, here in zip(gpu.at(i), batches(data, image_size=40).at(i), strict=True):
            assert torch.equal(there.cpu(), here)
