"""Published tasks."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.deps import admitted, reply
from api.openapi import answer, described
from ledger.service.queries import TaskView, view_task

router = APIRouter(prefix="/v1/ledgers/{name}/tasks", tags=["tasks"])


@router.get("/{task}", **described({200: answer("places and budget of the task", TaskView)}, scope="read"))
async def get_task(request: Request, name: str, task: str) -> Response:
    """A task by the id of the event that published it: how many places are left, and how much of its budget."""
    service = admitted(request, "read", name)
    return reply(await service.read(name, lambda link, row: view_task(link, row, task)))
