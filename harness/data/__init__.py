"""Datasets: what a task trains on and is tested on; fetched once, verified by digest, held as bytes.

A file of this package that decorates a subclass of `Dataset` with `@register("name")` adds a task.
"""

from harness.data.affnist import AffNist
from harness.data.dataset import DATASETS, Dataset, Examples, TaskData, data_folder, register
from harness.data.errors import Damaged, Missing
from harness.data.expanded_mnist import ExpandedMnist
from harness.data.mnist import FashionMnist, Mnist

__all__ = [
    "DATASETS",
    "AffNist",
    "Damaged",
    "Dataset",
    "Examples",
    "ExpandedMnist",
    "FashionMnist",
    "Missing",
    "Mnist",
    "TaskData",
    "data_folder",
    "register",
]
