"""Recipes: `weights/gptq@w4a16-g128+cache/snapkv@10%` as objects, and back as the one text."""

from leanvlm.recipes.parse import parse
from leanvlm.recipes.recipe import FULL, Part, Recipe, slug

__all__ = ["FULL", "Part", "Recipe", "parse", "slug"]
