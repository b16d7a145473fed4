"""The code of a recorded model. MLflow keeps a copy of this file beside the weights and runs it to load them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import torch
from mlflow.pyfunc import PythonModel

import variants
from harness.data import Examples
from harness.key import source_digest
from harness.registry import load_plugin
from harness.running.evaluation import predict
from harness.trial import Trial
from variants import VARIANTS


class Trained(PythonModel):
    """Classes of images, by a trained variant.

    `unwrap_python_model()` of the loaded model gives this; its `model` is the `torch.nn.Module`.
    """

    def load_context(self, context: Any) -> None:
        """Build the variant and give it its weights; a plugin is loaded unless the variant is known already."""
        files = {name: Path(path) for name, path in context.artifacts.items()}
        self.trial = Trial.model_validate_json(files["trial"].read_text(encoding="utf-8"))
        if "plugin" in files and self.trial.variant not in VARIANTS.names():
            load_plugin(files["plugin"])
        if source_digest(VARIANTS.get(self.trial.variant).__module__) != self.trial.source:
            warnings.warn(
                f"the code of '{self.trial.variant}' is another than the model was trained with; its predictions may "
                f"differ",
                stacklevel=2,
            )
        self.model = variants.build(self.trial.variant, **self.trial.config)
        self.model.load_state_dict(torch.load(files["weights"], weights_only=True))
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(self.device).eval()

    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        """The classes (images,) int64 of grey images (images, height, width) uint8."""
        assert self.trial.training is not None
        examples = Examples(model_input, np.zeros(len(model_input), np.uint8))
        found = predict(self.model, examples, self.device, self.trial.training.precision)
        return found.astype(np.int64)


mlflow.models.set_model(Trained())
