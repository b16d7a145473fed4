"""The base class of analyses, what they work with, and their registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin

import numpy as np

from harness.data.dataset import Examples
from harness.errors import UserError
from harness.registry import Registry
from harness.suite.claims import KINDS, ModelClaim
from harness.suite.fields import plain_name

if TYPE_CHECKING:
    import torch

    from harness.analysis.comparison import Comparison
    from harness.analysis.rows import Rows
    from harness.drawing.captioned_figure import CaptionedFigure
    from variants.contract import Output, Variant


Judge = Callable[[Any, "Rows"], "list[Comparison]"]  # of a claim: the comparisons that it rests on


@dataclass(frozen=True)
class TrainedModel:
    """A trained model with the images that it was trained and tested on.

    test: the images of the task's first test that the model was tested on.
    predictions: the predicted classes of these images, (images,).
    """

    model: Variant
    device: torch.device
    train: Examples
    test: Examples
    predictions: np.ndarray

    def outputs(self, examples: Examples) -> Iterator[tuple[Examples, Output]]:
        """Run the model on images in evaluation mode, and yield each batch of images with the model's output.

        Yields nothing if the model takes images of another size, or of more than one channel.
        """
        from harness.data.batches import EVALUATION_BATCH, evaluation_batches

        config = self.model.config
        if examples.images.shape[1] != config.image_size or config.image_channels != 1:
            return
        start = 0
        for images, _ in evaluation_batches(examples, EVALUATION_BATCH, self.device):
            part = slice(start, start + len(images))
            yield Examples(examples.images[part], examples.labels[part]), self.model(images)
            start += len(images)


@dataclass(frozen=True)
class FigureSpec:
    """A figure to be drawn.

    kind: the first part of its name; of many figures of a kind only the first ones are drawn.
    subject: the rest of its name, such as a task and a row.
    draw: draws the figure, given its name.
    """

    kind: str
    subject: tuple[str, ...]
    draw: Callable[[str], CaptionedFigure]

    @property
    def name(self) -> str:
        """The name of the figure, from which its files get theirs."""
        return "-".join([self.kind, *self.subject])


class Analysis:
    """Measures trained models, draws figures of what was measured, and judges claims by it. Every part is optional.

    position: of its figures in a report; figures of analyses with a lower one come first.
    claims: the classes of claims that it can judge, each with the function that returns the comparisons for a claim.
    """

    position: ClassVar[int] = 100
    claims: ClassVar[Mapping[type[ModelClaim], Judge]] = {}

    def measure(self, trained: TrainedModel) -> dict[str, np.ndarray]:
        """Measure a trained model, which is in evaluation mode, without gradients.

        A calibration times this with only the first batch of each `trained.outputs`.

        Returns:
            Arrays of numbers to be recorded, by name; empty if the model does not have what is measured.
        """
        return {}

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """Yield the figures of a report's rows that there are data for."""
        return iter(())


class _Analyses(Registry[Analysis]):
    """The registry of analyses. Their names are used as names of files in the record."""

    def register(self, name: str) -> Callable[[type[Analysis]], type[Analysis]]:
        """See `Registry.register`.

        Raises:
            UserError: as there, or the name can't name a file, or a class of claims has no kind of its own.
        """
        try:
            plain_name(name)
        except (ValueError, TypeError) as error:
            raise UserError(f"an analysis can't have this name: {error}.") from None
        add = super().register(name)

        def checked(analysis: type[Analysis]) -> type[Analysis]:
            for model in getattr(analysis, "claims", ()):
                _check_kind(name, model)
            return add(analysis)

        return checked


def kind_of(model: type[ModelClaim]) -> str:
    """The kind of a class of claims: the one literal value of its field `kind`."""
    [kind] = get_args(model.model_fields["kind"].annotation)
    return str(kind)


def _check_kind(analysis: str, model: type[ModelClaim]) -> None:
    """Check that suites can name the kind of a class of claims.

    Raises:
        UserError: it is no class of claims, or it has no kind, or its kind is one of the harness's own.
    """
    is_claim = isinstance(model, type) and issubclass(model, ModelClaim)
    field = model.model_fields.get("kind") if is_claim else None
    if field is None or get_origin(field.annotation) is not Literal or len(get_args(field.annotation)) != 1:
        raise UserError(
            f"{model!r} among the claims of the analysis '{analysis}' has no kind; derive it from ModelClaim (of "
            f'harness.suite.claims) and give it a field such as kind: Literal["name"].'
        )
    if kind_of(model) in KINDS:
        raise UserError(
            f"the kind of claim '{kind_of(model)}' of the analysis '{analysis}' is one of the harness's own; choose "
            f"another name."
        )


ANALYSES = _Analyses("analysis", Analysis, package="harness.analysis", group="harness.analyses", plural="analyses")
register = ANALYSES.register
