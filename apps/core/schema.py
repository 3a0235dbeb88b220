"""How the OpenAPI schema describes what is ours."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from apps.core.auth import KeyAuthentication
from apps.core.json import openapi
from apps.core.problems import ProblemBody


class OperationSchema(AutoSchema):
    """Describe an operation with the scope that it needs and the shape of its errors."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation, None for one that is not described."""
        operation = super().get_operation(*args, **kwargs)
        scope = getattr(self.view, "required_scopes", {}).get(self.method)
        if operation and scope:
            operation["description"] += f"\n\nNeeds a key with the scope `{scope.value}`."
            operation["responses"]["default"] = {
                "description": "What went wrong (RFC 9457)",
                "content": {"application/problem+json": {"schema": self._problem()}},
            }
        return operation

    def _problem(self) -> dict[str, Any]:
        found = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="Problem",
            type=ResolvedComponent.SCHEMA,
            object="Problem",
            schema=openapi(ProblemBody),
        )
        self.registry.register_on_missing(found)
        return found.ref


class KeySecurityScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe the bearer keys."""

    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "description": "rk_… or ct_…"}
