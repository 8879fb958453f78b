"""All experiments by name, in the order of the paper."""

from upsr_core.experiments.paper import figure2, figure3, table1, table2, table5, table6
from upsr_core.experiments.paper.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT for module in (table1, table2, figure2, table5, table6, figure3)
}
