"""The paired bootstrap as one product of matrices, which both rivals of `make bench-metrics` call."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Matrix: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def replicates(grades: Matrix, full: int, rng: np.random.Generator, *, resamples: int) -> Matrix:
    """Return the accuracy kept in each replicate; two samples that follow each other share a picture.

    Shapes: grades (recipes, samples), of which row `full` is the full model's -> (recipes, resamples).
    """
    drawn = rng.poisson(1, (grades.shape[1] // 2, resamples)).repeat(2, axis=0).astype(float)
    means = grades @ drawn / drawn.sum(axis=0)
    kept: Matrix = means / means[full]
    return kept


def intervals(found: list[Matrix], *, models: int) -> Matrix:
    """Return 95 % intervals of overall performance, (2, models, recipes), of the replicates model by model."""
    stacked = np.stack(found)  # (models x benchmarks, recipes, resamples)
    by_model = stacked.reshape(models, -1, *stacked.shape[1:])
    ends: Matrix = np.quantile(np.sqrt((by_model**2).mean(axis=1)), [0.025, 0.975], axis=-1)
    return ends
