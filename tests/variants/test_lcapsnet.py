"""L-CapsNet as a whole, in both readings, against plain NumPy loops."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import variants
from tests.variants.numeric import gradient, squash
from variants.lcapsnet import LCapsNet, LCapsNetConfig

READINGS = ("paper", "authors")
K, CLASSES, CAPSULES, BATCH = 3, 2, 32, 2
LABELS = torch.tensor([1, 0])


def head(reading: str, **settings: Any) -> LCapsNet:
    """A small model that takes the poses of its 32 primary capsules in place of images."""
    torch.manual_seed(0)
    config = LCapsNetConfig(
        image_size=17, width=2, k=K, classes=CLASSES, reading=reading, propagation="reference", **settings
    )
    model = LCapsNet(config).double()
    model.primary = nn.Identity()  # type: ignore[assignment]
    return model


def random_poses() -> np.ndarray:
    t = np.random.default_rng(4).normal(size=(BATCH, 8, CAPSULES))
    return np.stack([np.stack([squash(image[:, i]) for i in range(CAPSULES)], axis=1) for image in t])


class Plain:
    """The paper's section 3, or the authors' code, class by class and capsule by capsule."""

    def __init__(self, model: LCapsNet) -> None:
        self.authors = model.config.reading == "authors"
        self.parameters = {name: p.detach().numpy() for name, p in model.named_parameters()}

    def linear(self, values: np.ndarray, layer: str, j: int) -> np.ndarray:
        return values @ self.parameters[f"{layer}.weight"][j] + self.parameters[f"{layer}.bias"][j, 0]

    def hidden(self, code: np.ndarray, network: str, j: int) -> np.ndarray:
        for layer in range(3):
            code = np.maximum(self.linear(code, f"{network}.layers.{layer}", j), 0)
        return code

    def operator(self, code: np.ndarray, name: str, j: int) -> np.ndarray:
        """f_j or f_j^reg, (K, 8, 16)."""
        flat = self.linear(self.hidden(code, f"{name}_hidden", j), f"{name}.function", j)
        return flat.reshape(8, K, 16).transpose(1, 0, 2)

    def distances(self, poses: np.ndarray, code: np.ndarray) -> np.ndarray:
        """Mean distance of an image's selected capsules from their regression, for each class."""
        selected = [poses[:, i] for i in range(CAPSULES) if code[i]]
        result = np.zeros(CLASSES)
        for j in range(CLASSES):
            f, f_reg = self.operator(code, "f", j), self.operator(code, "f_reg", j)
            p = 1 / (1 + np.exp(-self.linear(self.hidden(code, "p_hidden", j), "p", j)))
            s = sum(p[i] * (selected[i] @ f[i]) for i in range(K))  # equation 1
            if self.authors:
                s = s / (np.sqrt((s**2).sum()) + 1e-8)
            for i in range(K):
                regressed = squash(f_reg[i] @ s)  # equations 2 and 3
                squared = ((regressed - selected[i]) ** 2).sum()
                result[j] += (np.sqrt(squared) if self.authors else squared) / K
        return result

    def loss(self, poses: np.ndarray, codes: np.ndarray) -> float:
        total = 0.0
        for b in range(BATCH):
            distances = self.distances(poses[b], codes[b])
            activity = np.sqrt((poses[b] ** 2).sum(axis=0))
            for j in range(CLASSES):
                d, present = np.exp(-5.12 * distances[j]), j == LABELS[b]
                if self.authors:
                    total += distances[j] ** 2 if present else max(0, 0.8 - distances[j]) ** 2
                else:
                    total += max(0, 0.9 - d) ** 2 if present else 0.5 * max(0, d - 0.1) ** 2
            if self.authors:
                total += 1e-4 * np.abs(codes[b] - activity).mean()
            else:
                total += 1e-4 * ((codes[b] - activity) ** 2).sum()
        return total / BATCH


def plain_codes(poses: np.ndarray) -> np.ndarray:
    codes = np.zeros((BATCH, CAPSULES))
    for b in range(BATCH):
        codes[b, np.argsort(-(poses[b] ** 2).sum(axis=0))[:K]] = 1
    return codes


@pytest.mark.parametrize("reading", READINGS)
def test_activities_and_loss(reading: str) -> None:
    model, poses = head(reading), random_poses()
    codes, plain = plain_codes(poses), Plain(head(reading))
    output = model(torch.tensor(poses))
    distances = np.stack([plain.distances(poses[b], codes[b]) for b in range(BATCH)])
    expected = -distances if reading == "authors" else np.exp(-5.12 * distances)
    np.testing.assert_allclose(output.activities.detach(), expected, rtol=1e-9)
    assert output.predictions().tolist() == distances.argmin(axis=1).tolist()
    loss = model.loss(output, torch.empty(0), LABELS)
    assert loss.item() == pytest.approx(plain.loss(poses, codes), rel=1e-9)


@pytest.mark.parametrize("reading", READINGS)
def test_gradient_of_the_loss(reading: str) -> None:
    model, poses = head(reading), random_poses()
    codes, plain = plain_codes(poses), Plain(model)
    inputs = torch.tensor(poses, requires_grad=True)
    model.loss(model(inputs), torch.empty(0), LABELS).backward()
    selected = np.flatnonzero(codes[0])
    entries = [(0, d, i) for d in range(8) for i in (*selected, 5, 6)]
    expected = gradient(lambda at: plain.loss(at, codes), poses, entries)
    assert inputs.grad is not None
    for entry in entries:
        assert inputs.grad[entry].item() == pytest.approx(expected[entry], rel=1e-5, abs=1e-10)
    bias = model.get_parameter("f.function.bias")
    assert bias.grad is not None

    def loss_of_bias(at: np.ndarray) -> float:
        plain.parameters["f.function.bias"] = at
        return plain.loss(poses, codes)

    some = [(j, 0, o) for j in range(CLASSES) for o in (0, 100, 383)]
    of_bias = gradient(loss_of_bias, bias.detach().numpy(), some)
    for entry in some:
        assert bias.grad[entry].item() == pytest.approx(of_bias[entry], rel=1e-5, abs=1e-10)


@pytest.mark.parametrize("reading", READINGS)
def test_no_gradient_through_the_code_vector(reading: str) -> None:
    model, poses = head(reading, epsilon=0.0), torch.tensor(random_poses(), requires_grad=True)
    output = model(poses)
    model.loss(output, torch.empty(0), LABELS).backward()
    assert output.details is not None
    assert poses.grad is not None
    assert not output.details["code"].requires_grad
    unselected = (output.details["code"] == 0).unsqueeze(1).expand_as(poses)
    assert (poses.grad[unselected] == 0).all()
    assert (poses.grad[~unselected] != 0).all()


@pytest.mark.parametrize("reading", READINGS)
def test_the_regulariser_reaches_capsules_that_are_not_selected(reading: str) -> None:
    model, poses = head(reading), torch.tensor(random_poses(), requires_grad=True)
    model.loss(model(poses), torch.empty(0), LABELS).backward()
    assert poses.grad is not None
    assert (poses.grad.abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("reading", READINGS)
def test_zero_capsules_have_finite_gradients(reading: str) -> None:
    model, poses = head(reading), torch.zeros(BATCH, 8, CAPSULES, dtype=torch.float64, requires_grad=True)
    model.loss(model(poses), torch.empty(0), LABELS).backward()
    assert poses.grad is not None
    assert torch.isfinite(poses.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_the_activity_for_pruning_is_that_of_the_squashed_capsule() -> None:
    t = np.random.default_rng(5).normal(size=(BATCH, 8, CAPSULES))
    poses = np.stack([np.stack([squash(image[:, i]) for i in range(CAPSULES)], axis=1) for image in t])
    details = head("paper")(torch.tensor(poses)).details
    assert details is not None
    squared = (t**2).sum(axis=1)
    np.testing.assert_allclose(details["primary_lengths"], squared / (1 + squared), rtol=1e-10)


@pytest.mark.parametrize("reading", READINGS)
def test_fused_and_reference_propagation_agree(reading: str) -> None:
    results = []
    reference = head(reading)
    fused = head(reading).double()
    parts = variants.build(
        "lcapsnet", image_size=17, width=2, k=K, classes=CLASSES, reading=reading, propagation="fused"
    ).double()
    assert isinstance(parts, LCapsNet)
    hidden = reference.get_parameter("f.function.weight").shape[1]
    with torch.no_grad():
        for name in ("f", "f_reg"):
            weight = reference.get_parameter(f"{name}.function.weight").view(CLASSES, hidden, 8 * K, 16)
            bias = reference.get_parameter(f"{name}.function.bias").view(CLASSES, 8 * K, 16)
            layer = getattr(parts, name)
            turned = weight.transpose(1, 2) if name == "f" else weight.transpose(2, 3)
            layer.weight.copy_(turned.reshape(layer.weight.shape))
            layer.bias.copy_(bias if name == "f" else bias.transpose(1, 2))
    fused.f, fused.f_reg = parts.f, parts.f_reg
    for model in (reference, fused):
        poses = torch.tensor(random_poses(), requires_grad=True)
        output = model(poses)
        model.loss(output, torch.empty(0), LABELS).backward()
        rest = [p.grad for name, p in model.named_parameters() if not name.startswith(("f.", "f_reg."))]
        results.append((output.activities, poses.grad, rest))
    torch.testing.assert_close(results[0], results[1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("propagation", ["fused", "reference"])
@pytest.mark.parametrize(
    ("image_size", "kernel", "k", "paper", "authors"),
    [
        (28, 9, 70, 42_795_724, 80_863_784),
        (28, 15, 50, 36_787_988, 67_641_928),
        (40, 9, 100, 91_110_904, 123_234_944),
        (40, 15, 70, 52_269_772, 90_337_832),
    ],
)
def test_number_of_parameters(image_size: int, kernel: int, k: int, paper: int, authors: int, propagation: str) -> None:
    for reading, expected in (("paper", paper), ("authors", authors)):
        with torch.device("meta"):
            model = variants.build(
                "lcapsnet",
                image_size=image_size,
                kernel=kernel,
                k=k,
                reading=reading,
                propagation=propagation,
            )
        assert sum(p.numel() for p in model.parameters()) == expected


def test_hidden_widths_of_the_two_readings() -> None:
    expected = {
        "paper": ([(32, 384), (384, 256), (256, 128)], [(32, 9), (9, 6), (6, 3)]),
        "authors": ([(32, 128), (128, 256), (256, 384)], [(32, 3), (3, 3), (3, 3)]),
    }
    for reading, (of_f, of_p) in expected.items():
        model = head(reading)
        for network, widths in ((model.f_hidden, of_f), (model.f_reg_hidden, of_f), (model.p_hidden, of_p)):
            assert [tuple(layer.get_parameter("weight").shape[1:]) for layer in network.layers] == widths


@pytest.mark.parametrize(("image_size", "kernel"), [(28, 9), (28, 15), (40, 9), (40, 15)])
@pytest.mark.parametrize("reading", READINGS)
def test_trains_a_step_with_both_kernels_at_both_image_sizes(reading: str, image_size: int, kernel: int) -> None:
    kernels = {(28, 9): (9, 9), (28, 15): (9, 15), (40, 9): (9, 9), (40, 15): (15, 15)}[image_size, kernel]
    torch.manual_seed(0)
    model = variants.build("lcapsnet", image_size=image_size, kernel=kernel, reading=reading, width=4, k=5, classes=2)
    assert isinstance(model, LCapsNet)
    assert (model.primary.features.kernel_size[0], model.primary.capsules.kernel_size[0]) == kernels
    images = torch.rand(2, 1, image_size, image_size)
    output = model(images, LABELS)
    assert output.activities.shape == (2, 2)
    model.loss(output, images, LABELS).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_primary_capsules_of_the_authors_are_non_negative() -> None:
    images = torch.rand(2, 1, 28, 28)
    for reading in READINGS:
        model = variants.build("lcapsnet", width=4, k=5, classes=2, reading=reading)
        assert isinstance(model, LCapsNet)
        assert bool((model.primary(images) < 0).any()) == (reading == "paper")


@pytest.mark.parametrize("reading", READINGS)
def test_kept_counts_the_selected_types_at_each_position(reading: str) -> None:
    model = variants.build("lcapsnet", image_size=20, width=3, k=9, classes=2, reading=reading).eval()
    assert isinstance(model, LCapsNet)
    details = model(torch.rand(2, 1, 20, 20)).details
    assert details is not None
    code = details["code"].numpy()
    for image, y, x in np.ndindex(2, 2, 2):
        indices = [(y * 2 + x) * 32 + t if reading == "authors" else t * 4 + y * 2 + x for t in range(32)]
        assert details["kept"][image, y, x] == code[image, indices].sum()


@pytest.mark.parametrize("reading", READINGS)
def test_initialisers(reading: str) -> None:
    model = variants.build("lcapsnet", width=4, k=5, classes=2, reading=reading)
    assert isinstance(model, LCapsNet)
    for name in ("features", "capsules"):
        assert not model.get_parameter(f"primary.{name}.bias").any()
    bound = np.sqrt(6 / (81 * (4 + 256)))
    assert 0.99 * bound < model.primary.capsules.weight.abs().max().item() <= bound * (1 + 1e-6)
    first = model.f_hidden.layers[0]
    weight, bias = first.get_parameter("weight"), first.get_parameter("bias")
    into, out = weight.shape[1:]
    for parameter, bound in ((bias, np.sqrt(3 / out)), (weight, np.sqrt(6 / (into + out)))):
        assert 0.9 * bound < parameter.abs().max().item() <= bound * (1 + 1e-6)


def test_labels() -> None:
    assert LCapsNetConfig().label == "K=70 9×9"
    assert LCapsNetConfig(k=50, kernel=15, reading="authors").label == "K=50 15×15, authors' reading"


def test_more_capsules_than_there_are() -> None:
    with pytest.raises(ValueError, match="variant 'lcapsnet' cannot be built: k 300 is more than the 288 primary"):
        variants.build("lcapsnet", k=300, kernel=15)


def test_image_too_small() -> None:
    with pytest.raises(ValueError, match="image_size 20 is too small for kernels of 9 and 15 pixels; use"):
        variants.build("lcapsnet", image_size=20, kernel=15)
