"""Load a trained model from a record. The files are checked as data; code in the record runs only on request."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from pydantic import ValidationError

import variants
from harness.data import DATASETS, Examples
from harness.errors import UserError, cause_of
from harness.plan.trial import TrainingTrial
from harness.plugins.load import load_plugin
from harness.record.access import is_unknown, open_store
from harness.record.download import local_artifact
from harness.record.masking import masked
from harness.record.model import FOLDER, TRIAL, WEIGHTS
from harness.record.names import KEY
from harness.record.names import WEIGHTS as DIGEST
from harness.record.plugin import beside, plugin_in, plugin_of
from harness.record.stored import restore_trial
from harness.worker.train.evaluation import predict
from harness.worker.train.training import weights_digest
from variants import VARIANTS, Variant

MAX_TRIAL_BYTES = 1 << 20  # of trial.json
WEIGHTS_OVERHEAD_BYTES = 1 << 20  # by which a file of weights may be larger than the weights


@dataclass(frozen=True)
class Model:
    """A trained model.

    trial: the trial that trained it.
    module: the `torch.nn.Module`, in evaluation mode.
    """

    trial: TrainingTrial
    module: Variant
    device: torch.device = field(default_factory=lambda: torch.device("cuda" if torch.cuda.is_available() else "cpu"))

    def __post_init__(self) -> None:
        self.module.to(self.device).eval()

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predict the classes of grey images.

        Arguments:
            images: (images, height, width) uint8.

        Returns:
            (images,) int64.

        Raises:
            UserError: the images have another dtype or size.
        """
        size = self.module.config.image_size
        if images.dtype != np.uint8 or images.shape[1:] != (size, size):
            raise UserError(
                f"the images are {images.dtype} {images.shape}; this model takes uint8 (images, {size}, {size})."
            )
        if not len(images):
            return np.empty(0, np.int64)
        examples = Examples(images, np.zeros(len(images), np.uint8))
        try:
            found = predict(self.module, examples, self.device, self.trial.work.precision)
        finally:
            self.module.eval()
        return found.astype(np.int64)


def load(run: str, tracking_uri: str, trust_code: bool = False) -> Model:
    """Load the trained model of a trial.

    Arguments:
        run: the id of the trial's run.
        trust_code: run the plugin in the record if its variant is not registered here.

    Raises:
        UserError: there is no such run, its model was not stored, can't be read or differs from what the run says, or
            its variant is not registered here.
    """
    client = open_store(tracking_uri)
    with tempfile.TemporaryDirectory(prefix="harness-model-") as folder:
        found = _run(client, run, tracking_uri)
        model = read_model(_files(client, found, tracking_uri, Path(folder)), trust_code)
    if model.trial.key != found.data.tags.get(KEY):
        raise UserError(f"the model of run {run} is of another trial than the run; the record is damaged.")
    if weights_digest(model.module) != found.data.tags.get(DIGEST):
        raise UserError(f"the weights in the model of run {run} are not those that its training ended with.")
    return model


def read_model(files: Path, trust_code: bool) -> Model:
    """Read a model from the files that `harness.record.model.save_model` has written.

    Raises:
        UserError: they can't be read, or the variant is not registered here.
    """
    trial = _trial(files / TRIAL)
    with _known(trial, files, trust_code):
        module = _built(trial)
    module.load_state_dict(_weights(files / WEIGHTS, module))
    return Model(trial, module)


def _built(trial: TrainingTrial) -> Variant:
    """Build the model of a trial, untrained.

    Raises:
        UserError: the variant no longer has these settings.
    """
    variant = VARIANTS.get(trial.variant)
    try:
        config = variants.configure(trial.variant, **trial.config)
    except ValueError as error:
        raise UserError(f"the model of {trial.title} was trained by another version of the code: {error}") from None
    return variant(config)


def _run(client: MlflowClient, run: str, tracking_uri: str) -> Run:
    try:
        return client.get_run(run)
    except MlflowException as error:
        if not is_unknown(error):
            raise UserError(f"run {run} can't be read from {masked(tracking_uri)} ({cause_of(error)}).") from error
    raise UserError(f"there is no run {run} in {masked(tracking_uri)}; `python -m harness ui` shows their ids.")


def _files(client: MlflowClient, run: Run, tracking_uri: str, into: Path) -> Path:
    """Return the local folder of the files of a run's model."""
    name = f"run {run.info.run_id} ({run.info.run_name})"
    try:
        return local_artifact(client, run, tracking_uri, f"{FOLDER}/artifacts", into)
    except (UserError, MlflowException, OSError) as error:
        if _is_listed(client, run):
            cause = masked(cause_of(error.__cause__ or error))
            raise UserError(f"the model of {name} can't be read from {masked(tracking_uri)} ({cause}).") from error
    raise UserError(
        f"{name} has no model: those of each row's first seed are kept, and of all seeds with 'keep_models: all' in "
        f"the suite, until `python -m harness clean` removes what is no longer planned."
    )


def _is_listed(client: MlflowClient, run: Run) -> bool:
    try:
        return bool(client.list_artifacts(run.info.run_id, FOLDER))
    except (MlflowException, OSError):
        return True  # whatever keeps the list from being read also keeps the model from it


def _trial(path: Path) -> TrainingTrial:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_TRIAL_BYTES + 1)
        if len(text) > MAX_TRIAL_BYTES:
            raise UserError(f"{path.name} of the model is larger than {MAX_TRIAL_BYTES >> 20} MiB; it is damaged.")
        trial = restore_trial(text)
    except (OSError, ValidationError) as error:
        raise UserError(f"{path.name} of the model can't be read ({cause_of(error)[:200]}).") from error
    if trial.kind == "timing":
        raise UserError(f"{path.name} of the model is of a timing, which leaves none; it is damaged.")
    return trial


@contextmanager
def _known(trial: TrainingTrial, files: Path, trust_code: bool) -> Iterator[None]:
    """Register the trial's variant within the context: the one that is installed here, or the plugin in the record."""
    plugin = plugin_in(files)
    is_here = trial.variant in VARIANTS.names()
    if is_here and VARIANTS.source_digest(trial.variant) == trial.source:
        yield
    elif plugin is not None and trust_code:
        with VARIANTS.apart(trial.variant), DATASETS.apart(), beside(plugin):
            load_plugin(plugin)
            if VARIANTS.source_digest(trial.variant) != trial.source:
                _warn(trial.variant)
            yield
    elif plugin is not None and not (is_here and plugin_of(VARIANTS.sources(trial.variant)) is not None):
        here = "another variant has that name here" if is_here else "no variant has that name here"
        raise UserError(
            f"the model is of the plugin '{trial.variant}', and {here}; load the plugin first, or let the code run "
            f"that the record holds with trust_code=True, if you trust whoever wrote it."
        )
    else:
        if is_here:
            _warn(trial.variant)
        yield


def _warn(variant: str) -> None:
    warnings.warn(
        f"the code of '{variant}' differs from what the model was trained with; its predictions may differ",
        stacklevel=2,
    )


def _weights(path: Path, module: Variant) -> dict[str, torch.Tensor]:
    """Read weights from a file, and check that they fit the module."""
    own = module.state_dict()
    largest = sum(tensor.numel() * tensor.element_size() for tensor in own.values()) + WEIGHTS_OVERHEAD_BYTES
    try:
        with zipfile.ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > largest:
                raise ValueError("the file is larger than the weights of the variant")
        found: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        if {name: each.shape for name, each in found.items()} != {name: each.shape for name, each in own.items()}:
            raise ValueError("the variant has other parameters")
    except Exception as error:
        raise UserError(f"{path.name} of the model can't be read ({cause_of(error)[:200]}).") from error
    return found
