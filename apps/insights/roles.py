"""Who may see what: groups with least rights, made after each migration."""

from __future__ import annotations

from apps.core.roles import Roles

SEE = "insights.see_kpis"
INSPECT = "insights.inspect"
ALERTS = "insights.manage_alerts"
PROMOTE = "core.change_artifact"

ROLES: Roles = {
    "analyst": (SEE,),
    "admin": (SEE, INSPECT, ALERTS, PROMOTE),
}
