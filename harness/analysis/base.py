"""What an analysis is, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args, get_origin

import numpy as np

from harness.data.dataset import Examples
from harness.errors import UserError
from harness.registry import Registry
from harness.suite.claims import KINDS, ModelClaim
from harness.suite.fields import plain_name

if TYPE_CHECKING:
    import torch

    from harness.analysis.claims import Judge
    from harness.analysis.rows import Rows
    from harness.drawing.captioned_figure import CaptionedFigure
    from variants.contract import Output, Variant


@dataclass(frozen=True)
class Trained:
    """A trained model with what it was trained and tested on.

    test: the task's first test, as far as it was used.
    predictions: of the test's images, (images,).
    """

    model: Variant
    device: torch.device
    train: Examples
    test: Examples
    predictions: np.ndarray

    def outputs(self, examples: Examples) -> Iterator[tuple[Examples, Output]]:
        """What the model makes of images in evaluation, batch by batch, each with its images.

        Nothing where the images are not of the size and the one channel that the model takes.
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
    """A figure that is not drawn yet.

    kind: the first part of its name; of many figures of a kind only the first ones are drawn.
    of: the rest of its name, such as a task and a row.
    draw: makes the figure, given its name.
    """

    kind: str
    of: tuple[str, ...]
    draw: Callable[[str], CaptionedFigure]

    @property
    def name(self) -> str:
        """That of its files."""
        return "-".join([self.kind, *self.of])


class Analysis:
    """Something that is looked at in a trained model. Every part is optional.

    place: of its figures among those of other analyses, the lowest first.
    claims: the classes of claims that it can judge, each with the function that gives its comparisons.
    """

    place: ClassVar[int] = 100
    claims: ClassVar[Mapping[type[ModelClaim], Judge]] = {}

    def measure(self, trained: Trained) -> dict[str, np.ndarray]:
        """What is kept of a trained model, by name: numbers alone. It is in evaluation, and no gradient is taken.

        A calibration counts how long this takes with the first batch alone of each `trained.outputs`.

        Returns:
            Nothing where the model does not have what is looked at.
        """
        return {}

    def figures(self, rows: Rows) -> Iterator[FigureSpec]:
        """The figures of a report's rows, as far as there is something to show."""
        return iter(())


class _Analyses(Registry[Analysis]):
    """The names are those of files in the record."""

    def register(self, name: str) -> Callable[[type[Analysis]], type[Analysis]]:
        """See `Registry.register`.

        Raises:
            UserError: as there, or the name can't be that of a file, or a claim has no kind of its own.
        """
        try:
            plain_name(name)
        except (ValueError, TypeError) as error:
            raise UserError(f"no analysis can be called so: {error}.") from None
        add = super().register(name)

        def checked(analysis: type[Analysis]) -> type[Analysis]:
            for model in getattr(analysis, "claims", ()):
                _check_kind(name, model)
            return add(analysis)

        return checked


def kind_of(model: type[ModelClaim]) -> str:
    """The kind that a class of claims is of, its one literal."""
    [kind] = get_args(model.model_fields["kind"].annotation)
    return str(kind)


def _check_kind(analysis: str, model: type[ModelClaim]) -> None:
    """Refuse what suites could not name.

    Raises:
        UserError: it is no class of claims with a kind that is not taken.
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
