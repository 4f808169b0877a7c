"""All routes of the status page."""

from fastapi import APIRouter

from api.page import jobs, plots, sign_in

router = APIRouter(include_in_schema=False)
for room in (jobs, plots, sign_in):
    router.include_router(room.router)
