"""The REST API to read and to try: Swagger UI, from files of our own.

Requests that a reader tries go with the page's session, or with a key that is typed in. They reach this
service only: the page's content policy, which no other page has, allows its own styles and no other host.
"""

from fastapi import APIRouter, Response

from api.page.base.render import page

router = APIRouter(include_in_schema=False)

# Swagger UI writes styles into its elements, and draws its icons from data.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@router.get("/docs")
def show() -> Response:
    """Show the page. It says no more than the OpenAPI document, which anybody may read."""
    return page("docs.html", headers={"Content-Security-Policy": _POLICY})
