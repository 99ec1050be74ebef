"""The page of the blind test, and what it asks: a pair, to choose, and at the end the result."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from daemon.api.handlers import install
from daemon.api.limits import BodyLimit
from daemon.blind.sitting import Choice, Place, Shown, Sitting
from daemon.blind.words import told
from daemon.explain import explain

PAGE = Path(__file__).with_name("page")
MAX_BODY = 1024

Index = Annotated[int, InPath(ge=0, lt=1_000_000)]


class ChoiceBody(BaseModel):
    """What the user chose."""

    model_config = ConfigDict(extra="forbid")

    choice: Choice


def build_page(sitting: Sitting, path: str, ended: Callable[[], None]) -> FastAPI:
    """The app below `path`; `ended` is called whenever the result was asked for."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(BodyLimit, limit=MAX_BODY)
    install(app, explain)
    app.include_router(_files(), prefix=path)
    app.include_router(_pairs(sitting, ended), prefix=path)
    return app


def _files() -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def page() -> FileResponse:
        return FileResponse(PAGE / "page.html")

    @router.get("/{name}")
    async def part(name: Literal["page.css", "page.js"]) -> FileResponse:
        return FileResponse(PAGE / name)

    return router


def _pairs(sitting: Sitting, ended: Callable[[], None]) -> APIRouter:
    router = APIRouter()

    @router.get("/blind/place")
    async def place() -> Place:
        return sitting.place()

    @router.get("/blind/pairs/{index}")
    async def pair(index: Index) -> Shown:
        _check(sitting, index)
        return sitting.shown(index)

    @router.post("/blind/pairs/{index}")
    async def choose(index: Index, body: ChoiceBody) -> Place:
        _check(sitting, index)
        if sitting.told:
            raise HTTPException(HTTPStatus.CONFLICT, "The result is out; nothing can change now.")
        await sitting.choose(index, body.choice)
        return sitting.place()

    @router.post("/blind/result")
    async def result() -> dict[str, Any]:
        found = sitting.result()
        if found is None:
            raise HTTPException(HTTPStatus.CONFLICT, "There are pairs left to answer.")
        sitting.told = True
        ended()
        return told(found)

    return router


def _check(sitting: Sitting, index: int) -> None:
    if index >= len(sitting.pairs):
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such pair.")
