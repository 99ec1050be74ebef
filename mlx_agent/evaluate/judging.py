"""Two drafts of one mail before a judge, in both orders.

A judge leans to a place as well as to a text (Zheng et al., 2023, arXiv:2306.05685), so that each
pair is shown twice, the second time the other way round; what the place alone decided cancels out.
The judge is shown the mail and the drafts as data, by the renderer of all tasks; what it answers
is read strictly, and a draft that holds a verdict of its own says nothing by it.
"""

from __future__ import annotations

from mlx_agent.differences import normalise
from mlx_agent.errors import AnswerMalformed, SampleError
from mlx_agent.evaluate.records import Judgement, Trial
from mlx_agent.large import LargeModel
from mlx_agent.large.answers import Choice, parse_verdict
from mlx_agent.large.prices import added
from mlx_agent.records import JudgeTask, Lesson, RepairTask, Task, Usage
from mlx_agent.render import prompt_version

_MIRRORED: dict[Choice, Choice] = {"first": "second", "second": "first", "tie": "tie"}


async def judge(lesson: Lesson, first: Trial, second: Trial, model: LargeModel) -> Judgement:
    """Which of two trials of the lesson's mail is nearer to what its author wrote.

    A malformed verdict is asked to be mended once; AnswerMalformed where that comes to nothing.
    What else `model.complete` raises passes through; a SampleError's usage is all that was paid.
    Texts that read the same tie, and nobody is asked.
    """
    asked = _Asked(model)
    forward: Choice = "tie"
    backward: Choice = "tie"
    if normalise(first.text) != normalise(second.text):
        forward = await asked.verdict(_task(lesson, first, second))
        backward = _MIRRORED[await asked.verdict(_task(lesson, second, first))]
    return Judgement(
        judge=model.name,
        first=first.id,
        second=second.id,
        forward=forward,
        backward=backward,
        prompt=prompt_version("judge", lesson.x.kind),
        usage=asked.usage,
    )


def _task(lesson: Lesson, first: Trial, second: Trial) -> JudgeTask:
    return JudgeTask(x=lesson.x, truth=lesson.own_text, first=first.text, second=second.text)


class _Asked:
    """A judge, and what its answers used so far."""

    def __init__(self, model: LargeModel) -> None:
        self.model = model
        self.usage = Usage()

    async def verdict(self, task: JudgeTask) -> Choice:
        """Its verdict on one order, asked once more where the first answer cannot be read."""
        text = await self._complete(task)
        try:
            return parse_verdict(text)
        except AnswerMalformed as error:
            mended = RepairTask(task=task, answer=text, reason=error.reason)
        try:
            return parse_verdict(await self._complete(mended))
        except AnswerMalformed as error:
            error.usage = self.usage
            raise

    async def _complete(self, task: Task) -> str:
        try:
            answer = await self.model.complete(task)
        except SampleError as error:
            error.usage = added(self.usage, error.usage or Usage())
            raise
        self.usage = added(self.usage, answer.usage)
        return answer.text
