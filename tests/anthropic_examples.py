"""Tasks and clients for the tests of the Anthropic client."""

from collections.abc import Callable
from typing import Any

from anthropic_server import KEY
from teaching_examples import GREETING, NORA, TIM

from mlx_agent.findings import Checks, Uncovered
from mlx_agent.large.anthropic import Anthropic
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import (
    BaselineTask,
    DraftTask,
    IntentTask,
    JudgeTask,
    Metadata,
    RedraftTask,
    RulesTask,
    Task,
    X,
)

SONNET = "claude-sonnet-5-5"
OWN_TEXT = "Hello Tim,\n\nthe boat is ready on Friday. Can you bring the keys?\n\nCheers,\nNora"
GENERIC = "Dear Tim,\n\nThe boat is ready on Friday.\n\nKind regards,\nNora Falk"
X_BOAT = X(
    intent=("The boat is ready on Friday", "Can you bring the keys?"),
    metadata=Metadata(sender=NORA, to=(TIM,), subject="The boat", reply=True),
)
INTENT = IntentTask(own_text=OWN_TEXT, metadata=X_BOAT.metadata)
BASELINE = BaselineTask(x=X_BOAT)
R1 = RulesTask(x=X_BOAT, own_text=OWN_TEXT, baseline=None, strategy="R1")
R2 = RulesTask(x=X_BOAT, own_text=OWN_TEXT, baseline=None, strategy="R2")
R3 = RulesTask(x=X_BOAT, own_text=OWN_TEXT, baseline=GENERIC)
DRAFT = DraftTask(x=X_BOAT, rules=(GREETING,), instruction="shorter")
JUDGE = JudgeTask(x=X_BOAT, truth=OWN_TEXT, first="Hello Tim", second=GENERIC)
REDRAFT = RedraftTask(
    task=DRAFT, text="Hello Tim", checks=Checks(uncovered=(Uncovered(position=0),))
)
TASKS: tuple[Task, ...] = (INTENT, BASELINE, R1, R2, R3, DRAFT, JUDGE, REDRAFT)

Client = Callable[..., Anthropic]


def a_client(url: str, model: str = SONNET, key: str = KEY, **changes: Any) -> Anthropic:
    """A client for a server."""

    async def its_key() -> str:
        return key

    return Anthropic(ModelSettings(model=model, base_url=url, **changes), its_key)
