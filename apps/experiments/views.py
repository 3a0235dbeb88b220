"""`GET /api/v1/experiments/assignments`."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.auth import principal_of
from apps.core.errors import Problem
from apps.core.json import openapi
from apps.core.models import Scope
from apps.core.query import refuse_unknown, required_id
from apps.experiments import selectors
from apps.experiments.types import AssignmentsAnswer
from apps.profiles.pseudonyms import pseudonym

_USER = OpenApiParameter("user_id", OpenApiTypes.STR, required=True)


class Assignments(APIView):
    """Which variants one viewer sees."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="experiment_assignments",
        parameters=[_USER],
        responses={200: OpenApiResponse(openapi(AssignmentsAnswer))},
    )
    def get(self, request: Request) -> Response:
        """Return the viewer's variant of each running experiment they are in: server keys only."""
        refuse_unknown(request, _USER)
        if principal_of(request).user_id is not None:
            raise Problem(403, "server-key-only", "This needs a server key.")
        user_id = required_id(request, "user_id")
        return Response(selectors.assignments(pseudonym(user_id)))
