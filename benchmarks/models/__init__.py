"""The models that are measured: what they are, how they are trained, and where they are kept."""

from benchmarks.models.building import build, token_embedding
from benchmarks.models.classifiers import Classifier
from benchmarks.models.recipes import KINDS, RECIPES, Recipe
from benchmarks.models.training import Trained, trained

__all__ = [
    "KINDS",
    "RECIPES",
    "Classifier",
    "Recipe",
    "Trained",
    "build",
    "token_embedding",
    "trained",
]
