"""`manage.py federate [--devices N] [--rounds N] …`: devices that train together, and what of."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, fields
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.core.auth import create_key
from apps.core.models import Scope
from apps.simulation.loop.federated import FederatedParams, FederatedRun
from apps.simulation.loop.server import VirtualServer
from apps.simulation.loop.workspaces import as_options, run_in_copy, workspaces
from apps.simulation.types import WorldParams


class Command(BaseCommand):
    """Let simulated devices go through rounds over the API, and judge what they learned.

    It runs in an empty installation with a clock of its own; the database of this one is not
    touched. Prints JSON: AUC on later views of held-out devices, ε, and how many took part.
    """

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments: every parameter of the run."""
        for field in fields(FederatedParams):
            parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the run in a workspace; there, run it."""
        params = FederatedParams(**{f.name: options[f.name] for f in fields(FederatedParams)})
        start_ms = WorldParams().start_ms
        if not settings.VIRTUAL_MS:
            with workspaces() as template:
                found = run_in_copy(template, start_ms, "federate", *as_options(asdict(params)))
            self.stdout.write(json.dumps(found, indent=1))
            return
        logging.getLogger().setLevel(logging.ERROR)
        key = create_key(name="simulation", scopes=list(Scope.values))
        server = VirtualServer(start_ms, key=key, works=False)
        self.stdout.write(json.dumps(FederatedRun(params, server).run()))
