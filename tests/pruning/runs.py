"""Runs of the whole library, as tests ask for them."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from pruning.pipeline.run import RunRequest, Services, run
from pruning.recipe import Evaluation, Recipe
from pruning.report import Report

_OF_THE_REQUEST = {field.name for field in fields(RunRequest)}


def run_recipe(recipe: Recipe, evaluation: Evaluation, *, output: Path, **options: Any) -> Report:
    """`options`: other fields of `RunRequest` and `Services`."""
    asked = {name: value for name, value in options.items() if name in _OF_THE_REQUEST}
    services = {name: value for name, value in options.items() if name not in _OF_THE_REQUEST}
    return run(RunRequest(recipe, evaluation, output, **asked), Services(**services))
