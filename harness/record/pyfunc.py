"""The code of a recorded model. MLflow keeps a copy of this file beside the weights and runs it to load them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.pyfunc import PythonModel

from harness.record.loading import read_model


class PyfuncModel(PythonModel):
    """Classes of images, by a trained variant.

    `unwrap_python_model()` of the loaded model gives this; its `model` is the `torch.nn.Module`.
    """

    def load_context(self, context: Any) -> None:
        """Build the variant and give it its weights; the code of a plugin is run, as this file is."""
        self.loaded = read_model(Path(context.artifacts["trial"]).parent, trust_code=True)
        self.model = self.loaded.module

    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        """The classes (images,) int64 of grey images (images, height, width) uint8."""
        return self.loaded.predict(model_input)


mlflow.models.set_model(PyfuncModel())
