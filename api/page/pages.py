"""All routes of the status page."""

from fastapi import APIRouter

from api.page import bulk, compare, job, keys, listing, new, plots, sign_in, zoo

router = APIRouter(include_in_schema=False)
# Addresses that are spelt out come before those that hold a job's id.
for room in (listing, bulk, compare, new, job, plots, zoo, keys, sign_in):
    router.include_router(room.router)
