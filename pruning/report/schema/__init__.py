"""The report: measured facts about one run, enough to reproduce it. Plain values, no torch."""

from pruning.report.schema.cost import RateFacts, SpeedFacts, StageFacts
from pruning.report.schema.environment import Environment
from pruning.report.schema.inputs import CalibrationFacts, DatasetFacts, ModelFacts
from pruning.report.schema.permutation import ChannelOrderFacts, LeftInOrderFacts, PermutationFacts
from pruning.report.schema.quality import PerplexityFacts, TaskFacts, ZeroShotFacts
from pruning.report.schema.recovery import (
    JudgementFacts,
    RecoveryFacts,
    TrainingFacts,
)
from pruning.report.schema.report import FILE_NAME, Report
from pruning.report.schema.search import SearchFacts
from pruning.report.schema.structure import BlockUnits, DepthFacts, DroppedBlock, StructureFacts, UnitFacts
from pruning.report.schema.zeros import LayerFacts, SparsityFacts

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
