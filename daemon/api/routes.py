"""The routes: HTTP in, a call of the service, HTTP out. They decide nothing.

`Service` is everything that can be asked of the daemon over the socket; the app implements it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, FastAPI, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from daemon.api.bodies import (
    DeletionsBody,
    DraftBody,
    JobBody,
    NightsBody,
    RulesBody,
    SendBody,
    SentBody,
    WarmBody,
)
from daemon.api.errors import Explain
from daemon.api.front import health as health_now
from daemon.api.handlers import install
from daemon.api.limits import BodyLimit, a_place_for_a_draft
from daemon.api.openapi import DescribedApi
from daemon.api.sse import draft_events, status_events
from daemon.draft_records import Warmed
from daemon.drafting import Drafter
from daemon.errors import DraftNotFound, JobNotFound
from daemon.learning import SentText
from daemon.mailbox.outbox import Delivered
from daemon.records import DeletedPolicy, Job, JobKind, JobState, StandingRules
from mlx_agent.records import Change, Edit

AccountName = Annotated[str, Path(min_length=1, max_length=100)]
DraftId = Annotated[str, Path(min_length=1, max_length=100)]
DraftIdOrKey = Annotated[
    str, Path(alias="draft_id", min_length=1, max_length=200, description="Its id, or its key.")
]


class Service(Protocol):
    """What the daemon can be asked. Methods raise errors of the tree."""

    @property
    def drafter(self) -> Drafter:
        """Makes drafts."""
        ...

    async def status(self) -> dict[str, Any]:
        """Accounts, jobs and the running job's progress, JSON-compatible."""
        ...

    async def pause_nights(self, *, paused: bool) -> dict[str, Any]:
        """No nights until said otherwise, or nights again; the night's part of the status."""
        ...

    async def submit_job(self, kind: JobKind, account: str) -> Job:
        """Queue a job, or return the one that waits already; raises AccountUnknown."""
        ...

    async def answer_deletions(self, account: str, answer: DeletedPolicy) -> None:
        """What to do with mails that the folder lost at once; raises AccountUnknown."""
        ...

    async def standing_rules(self, account: str) -> StandingRules:
        """The account's pinned and banned rules; raises AccountUnknown."""
        ...

    async def set_standing_rules(self, account: str, standing: StandingRules) -> None:
        """Replace the account's pinned and banned rules; raises AccountUnknown."""
        ...

    async def job(self, job_id: int) -> Job | None:
        """One job."""
        ...

    async def jobs(self) -> list[Job]:
        """The last jobs, newest first."""
        ...

    async def sent(self, draft_id: str, sent: SentText) -> Edit:
        """Record what the user sent; raises DraftNotFound."""
        ...

    async def take_back(self, draft_id: str) -> None:
        """Learn nothing from what became of a draft; raises DraftNotFound."""
        ...

    async def save(self, draft_id: str) -> Delivered:
        """Put a draft into the Drafts folder."""
        ...

    async def send(self, draft_id: str, *, again: bool) -> Delivered:
        """Send a draft; `again` even if it may have been sent."""
        ...


class Health(BaseModel):
    """The daemon is alive and speaks this version of the API. `ready`: it does what it is asked."""

    api: int
    ready: bool


class Sent(BaseModel):
    """How far the user's text is from the draft (0 to 1), and what they changed in it."""

    distance: float
    unchanged: bool
    changes: tuple[Change, ...]


class Jobs(BaseModel):
    """The last jobs, newest first."""

    jobs: list[Job]


class NightRun(BaseModel):
    """A job of the last night: how long it took, what it cost, and what it did in a sentence."""

    account: str
    kind: JobKind
    state: JobState
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    usd: float
    sentence: str


class Night(BaseModel):
    """`night` of the status: the night that is on or comes next, and the last one's runs.

    `waits_for` says in sentences why nothing is done now. The newest run is first.
    """

    next: datetime | None
    ends: datetime | None
    paused: bool
    waits_for: list[str]
    runs: list[NightRun]


def build_api(service: Service, explain: Explain) -> FastAPI:
    """The API over a service; `explain` makes the sentences of its errors."""
    api = DescribedApi(
        title="trimtab",
        version="1",
        description="What a mail client asks of trimtab. Every error has one shape, `Error`.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
    )
    api.add_middleware(BodyLimit)
    install(api, explain)
    for router in (_state(service), _drafts(service, explain), _jobs(service)):
        api.include_router(router, prefix="/v1")
    return api


def _state(service: Service) -> APIRouter:
    router = APIRouter()

    @router.get("/health")
    async def health() -> Health:
        return Health(**health_now(ready=True))

    @router.get("/status")
    async def status() -> dict[str, Any]:
        return await service.status()

    @router.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[ServerSentEvent]:
        async for event in status_events(service.status):
            yield event

    @router.post("/nights")
    async def nights(body: NightsBody) -> Night:
        return Night.model_validate(await service.pause_nights(paused=body.paused))

    @router.put("/accounts/{account}/deletions", status_code=204)
    async def deletions(account: AccountName, body: DeletionsBody) -> None:
        await service.answer_deletions(account, body.answer)

    @router.get("/accounts/{account}/rules")
    async def rules(account: AccountName) -> StandingRules:
        return await service.standing_rules(account)

    @router.put("/accounts/{account}/rules", status_code=204)
    async def set_rules(account: AccountName, body: RulesBody) -> None:
        await service.set_standing_rules(account, body.standing())

    @router.post("/warm")
    async def warm(body: WarmBody) -> Warmed:
        return await service.drafter.warm(body.request())

    return router


def _drafts(service: Service, explain: Explain) -> APIRouter:
    router = APIRouter(prefix="/drafts")

    @router.post(
        "", response_class=EventSourceResponse, dependencies=[Depends(a_place_for_a_draft())]
    )
    async def draft(body: DraftBody) -> AsyncIterator[ServerSentEvent]:
        async for event in draft_events(service.drafter, body.request(), explain):
            yield event

    @router.delete("/{draft_id}", status_code=204)
    async def cancel(draft_id: DraftIdOrKey) -> None:
        if not service.drafter.cancel(draft_id):
            raise DraftNotFound(draft_id)

    @router.post("/{draft_id}/sent")
    async def sent(draft_id: DraftId, body: SentBody) -> Sent:
        edit = await service.sent(draft_id, body.sent())
        return Sent(distance=edit.distance, unchanged=edit.unchanged, changes=edit.changes)

    @router.delete("/{draft_id}/sent", status_code=204)
    async def take_back(draft_id: DraftId) -> None:
        await service.take_back(draft_id)

    @router.post("/{draft_id}/save")
    async def save(draft_id: DraftId) -> Delivered:
        return await service.save(draft_id)

    @router.post("/{draft_id}/send")
    async def send(draft_id: DraftId, body: SendBody | None = None) -> Delivered:
        return await service.send(draft_id, again=body is not None and body.again)

    return router


def _jobs(service: Service) -> APIRouter:
    router = APIRouter(prefix="/jobs")

    @router.post("/{kind}", status_code=202)
    async def submit(kind: JobKind, body: JobBody) -> Job:
        return await service.submit_job(kind, body.account)

    @router.get("")
    async def jobs() -> Jobs:
        return Jobs(jobs=await service.jobs())

    @router.get("/{job_id}")
    async def job(job_id: Annotated[int, Path(ge=0, lt=2**63)]) -> Job:
        found = await service.job(job_id)
        if found is None:
            raise JobNotFound(job_id)
        return found

    return router
