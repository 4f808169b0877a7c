"""The report: measured facts about one run, enough to reproduce it. Plain values, no torch."""

from pruning.report.cost import RateFacts, SpeedFacts, StageFacts
from pruning.report.environment import Environment
from pruning.report.inputs import CalibrationFacts, DatasetFacts, ModelFacts
from pruning.report.permutation import ChannelOrderFacts, LeftInOrderFacts, PermutationFacts
from pruning.report.quality import PerplexityFacts, TaskFacts, ZeroShotFacts
from pruning.report.recovery import (
    JudgementFacts,
    RecoveryFacts,
    TrainingFacts,
)
from pruning.report.report import FILE_NAME, Report
from pruning.report.search import SearchFacts
from pruning.report.structure import BlockUnits, DepthFacts, DroppedBlock, StructureFacts, UnitFacts
from pruning.report.zeros import LayerFacts, SparsityFacts

__all__ = [
    "FILE_NAME",
    "BlockUnits",
    "CalibrationFacts",
    "ChannelOrderFacts",
    "DatasetFacts",
    "DepthFacts",
    "DroppedBlock",
    "Environment",
    "JudgementFacts",
    "LayerFacts",
    "LeftInOrderFacts",
    "ModelFacts",
    "PermutationFacts",
    "PerplexityFacts",
    "RateFacts",
    "RecoveryFacts",
    "Report",
    "SearchFacts",
    "SparsityFacts",
    "SpeedFacts",
    "StageFacts",
    "StructureFacts",
    "TaskFacts",
    "TrainingFacts",
    "UnitFacts",
    "ZeroShotFacts",
]
