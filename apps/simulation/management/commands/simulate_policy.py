"""`manage.py simulate_policy NAME --seed N …`: one run of `simulate`, in an empty workspace."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import fields
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.content.models import Content
from apps.core.auth import create_key
from apps.core.models import Scope
from apps.simulation.loop.api import Api
from apps.simulation.loop.figures import figures, minutes_by_viewer
from apps.simulation.loop.policies import POLICIES, System, make_policy
from apps.simulation.loop.run import Loop
from apps.simulation.loop.scenario import ScenarioParams, build_scenario
from apps.simulation.loop.server import VirtualServer


class Command(BaseCommand):
    """Live through a scenario under one policy and print what came of it as JSON."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments: the policy and every parameter of the scenario."""
        parser.add_argument("policy", choices=POLICIES)
        for field in fields(ScenarioParams):
            name = f"--{field.name.replace('_', '-')}"
            if isinstance(field.default, bool):
                parser.add_argument(name, action="store_true")
            else:
                parser.add_argument(name, type=type(field.default), default=field.default)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it."""
        if not settings.VIRTUAL_MS or Content.objects.exists():
            raise CommandError("This needs a virtual clock and an empty database: use `simulate`.")
        logging.getLogger().setLevel(logging.ERROR)
        given = {field.name: options[field.name] for field in fields(ScenarioParams)}
        scenario = build_scenario(ScenarioParams(**given))
        key = create_key(name="simulation", scopes=list(Scope.values))
        start_ms, works = scenario.before.params.start_ms, options["policy"] == "system"
        server = VirtualServer(start_ms, key=key, works=works)
        api = Api(server.send)
        policy = make_policy(options["policy"], scenario.before, api, seed=options["seed"])
        started = time.perf_counter()
        outcome = Loop(scenario, policy, api, server.advance).run()
        found = {
            **figures(scenario, outcome),
            "minutes_by_viewer": minutes_by_viewer(scenario, outcome).tolist(),
            "degraded": dict(policy.degraded) if isinstance(policy, System) else {},
            "failures": server.failures,
            "seconds": time.perf_counter() - started,
        }
        self.stdout.write(json.dumps(found))
