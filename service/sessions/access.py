"""What page routes ask for: the Principal of the session, and forms that carry its CSRF token."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from fastapi import Request
from starlette.datastructures import FormData

from service.accounts.access import Principal, Role, forbidden
from service.problems import Problem, ProblemError
from service.sessions.store import Viewer


class LoginNeededError(Exception):
    """Nobody is logged in: answered by the way to the login page."""


def stale_form() -> Problem:
    """The 403 of a form without its session's CSRF token: from elsewhere, or from before the last login."""
    return Problem(type="/problems/stale-form", title="This form is out of date", status=403)


def viewer_of(request: Request) -> Viewer | None:
    """Who looks at the page, if anybody is logged in."""
    found: Viewer | None = getattr(request.state, "viewer", None)
    return found


def page_principal(*roles: Role) -> Callable[[Request], Principal]:
    """A dependency that gives the session's Principal where its role is one of `roles`; else the login page, or 403."""

    def principal(request: Request) -> Principal:
        viewer = viewer_of(request)
        if viewer is None:
            raise LoginNeededError
        if viewer.principal.role not in roles:
            raise ProblemError(forbidden())
        return viewer.principal

    return principal


async def read_form(request: Request) -> FormData:
    """The fields of a posted form, after its `csrf` was found to be the session's own. To be called after page_principal.

    Raises ProblemError (403) where it is not.
    """
    viewer = viewer_of(request)
    if viewer is None:
        raise LoginNeededError
    form = await request.form(max_files=1, max_fields=300)
    given = form.get("csrf")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), viewer.csrf.encode()):
        await form.close()
        raise ProblemError(stale_form())
    return form
