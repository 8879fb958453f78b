"""All experiments by name, in the order of the paper, and one that is not in it."""

from upsr_core.paper import figure2, figure3, recipes, table1, table2, table3, table4, table5, table6, table9
from upsr_core.paper.experiment import Experiment
from upsr_core.paper.figures4_5 import FIGURES
from upsr_core.paper.tables7_8 import STAGES

_SINGLE = (table1, table2, table3, table4, figure2, table5, table6)
EXPERIMENTS: dict[str, Experiment] = (
    {module.EXPERIMENT.name: module.EXPERIMENT for module in _SINGLE}
    | STAGES
    | {module.EXPERIMENT.name: module.EXPERIMENT for module in (figure3, table9)}
    | FIGURES
    | {recipes.EXPERIMENT.name: recipes.EXPERIMENT}
)
