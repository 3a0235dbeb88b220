"""Settings of the environment are taken as they are meant, or refused by their name."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from recsys.environment import env, env_bool, env_choice, env_int, env_list, env_secret

ROOT = Path(__file__).resolve().parents[2]
READ = set(re.findall(r'env\w*\(\s*"(\w+)"', (ROOT / "recsys/settings.py").read_text()))
OF_SIMULATIONS = {"RECSYS_VIRTUAL_MS"}


def test_every_setting_is_in_the_example_and_in_the_documentation() -> None:
    example = re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    documented = re.findall(r"`(\w+)`", (ROOT / "docs/operations.md").read_text())

    assert len(READ) > 30
    assert READ - set(example) == OF_SIMULATIONS
    assert READ - set(documented) == set()
    assert set(example) - READ == set()


def test_mistyped_setting_is_told() -> None:
    asked = [sys.executable, "-c", "import recsys.settings"]
    environment = {**os.environ, "RECSYS_ALLOWED_HOST": "example.org"}

    done = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, check=True)

    assert "no settings, perhaps mistyped: RECSYS_ALLOWED_HOST" in done.stderr.decode()


def test_pages_may_show_what_is_in_the_storage_of_the_app() -> None:
    ask = "import recsys.settings as s; print(s.CONTENT_SECURITY_POLICY['DIRECTIVES'])"
    environment = {**os.environ, "RECSYS_MEDIA_ORIGINS": "https://media.example.com"}

    told = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=environment, capture_output=True, check=True
    ).stdout.decode()

    for directive in ("img-src", "media-src"):
        assert "https://media.example.com" in ast.literal_eval(told)[directive]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("RECSYS_X", raising=False)
    monkeypatch.delenv("RECSYS_X_FILE", raising=False)
    return monkeypatch


def test_file_of_a_secret_comes_before_the_value(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    given.setenv("RECSYS_X", "value")
    assert env("RECSYS_X") == "value"
    given.setenv("RECSYS_X_FILE", str(tmp_path / "secret"))
    assert env("RECSYS_X") == "from the file"


def test_without_a_value_the_default_holds(given: pytest.MonkeyPatch) -> None:
    assert env_bool("RECSYS_X", default=True) is True
    assert env_int("RECSYS_X", default=7, low=0, high=9) == 7
    assert env_choice("RECSYS_X", "annoy", "exact") == "annoy"
    assert env_list("RECSYS_X", "*") == ["*"]
    assert env_list("RECSYS_X") == []


def test_values_are_taken_as_they_are_meant(given: pytest.MonkeyPatch) -> None:
    given.setenv("RECSYS_X", "False")
    assert env_bool("RECSYS_X", default=True) is False
    given.setenv("RECSYS_X", "-3")
    assert env_int("RECSYS_X", default=0, low=-3, high=9) == -3
    given.setenv("RECSYS_X", "exact")
    assert env_choice("RECSYS_X", "annoy", "exact") == "exact"
    given.setenv("RECSYS_X", " a, ,b,")
    assert env_list("RECSYS_X") == ["a", "b"]


@pytest.mark.parametrize("value", ["", "maybe", "10", "-1", "1.5"])
def test_bad_value_is_refused_by_name(given: pytest.MonkeyPatch, value: str) -> None:
    given.setenv("RECSYS_X", value)
    with pytest.raises(ImproperlyConfigured, match="RECSYS_X="):
        env_bool("RECSYS_X", default=True)
    with pytest.raises(ImproperlyConfigured, match="from 0 to 9"):
        env_int("RECSYS_X", default=0, low=0, high=9)
    with pytest.raises(ImproperlyConfigured, match="one of annoy, exact"):
        env_choice("RECSYS_X", "annoy", "exact")


def test_production_needs_a_long_secret(given: pytest.MonkeyPatch) -> None:
    assert len(env_secret("RECSYS_X", has_default=True)) >= 50
    with pytest.raises(ImproperlyConfigured, match="RECSYS_X is not set"):
        env_secret("RECSYS_X", has_default=False)
    given.setenv("RECSYS_X", "x" * 49)
    with pytest.raises(ImproperlyConfigured, match="49 characters"):
        env_secret("RECSYS_X", has_default=False)
    given.setenv("RECSYS_X", "x" * 50)
    assert env_secret("RECSYS_X", has_default=False) == "x" * 50
