"""The stages that dvc.yaml runs, one module each; none outlives the run that started it."""

from leanvlm.processes.children import begin

begin()
