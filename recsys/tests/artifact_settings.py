"""Settings of the child process in which the tests of artifacts check their toy family."""

from recsys.settings import *  # noqa: F403

ARTIFACT_CHECKS = {"toy": "apps.core.tests.artifact_checks.check_toy"}
