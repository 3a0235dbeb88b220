"""`manage.py quarantine list|show|fix|replay|discard`: events that did not enter the log."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.clock import to_datetime
from apps.events import selectors, services
from apps.events.models import QuarantinedEvent


class Command(BaseCommand):
    """Look at quarantined events, put them right, replay or discard them.

    list [--reason R] [--limit N]; show ID; fix ID FIELD=VALUE… (VALUE is JSON or a text, nothing
    removes the field, a dot goes into a part: context.surface=3); replay and discard take IDs or
    --reason R. Replaying runs the intake as of the time of receipt, with an operator's authority.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the five verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        reasons = QuarantinedEvent.Reason.values
        for name in ("list", "replay", "discard"):
            verb = verbs.add_parser(name)
            verb.add_argument("--reason", choices=reasons)
            if name == "list":
                verb.add_argument("--limit", type=int, default=50)
            else:
                verb.add_argument("ids", nargs="*", type=int)
        verbs.choices["discard"].add_argument("--yes", action="store_true", help="do not ask")
        verbs.add_parser("show").add_argument("id", type=int)
        fix = verbs.add_parser("fix")
        fix.add_argument("id", type=int)
        fix.add_argument("changes", nargs="+", metavar="FIELD=VALUE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        for row in selectors.quarantined(options["reason"], limit=options["limit"]):
            received = f"{to_datetime(row.received_ms):%Y-%m-%d %H:%M:%S}"
            about = f"{row.kind_name or '?'} {row.content_key}".strip()
            self.stdout.write(
                f"{row.pk}  {received}  {row.reason}  {about}  ×{row.times_seen}  {row.detail}"
            )

    def _show(self, options: dict[str, Any]) -> None:
        row = _row(options["id"])
        facts = {
            "reason": row.reason,
            "detail": row.detail,
            "event_key": str(row.event_key or ""),
            "viewer": str(row.viewer_pseudonym or ""),
            "received": to_datetime(row.received_ms).isoformat(),
            "times_seen": row.times_seen,
            "size_bytes": row.size_bytes,
            "body": row.body,
        }
        self.stdout.write(json.dumps(facts, indent=1, ensure_ascii=False))

    def _fix(self, options: dict[str, Any]) -> None:
        row = _row(options["id"])
        if row.body is None:
            raise CommandError(f"nothing was kept of event {row.pk} that could be put right")
        try:
            services.fix(row.pk, _changed(row.body, options["changes"]))
        except services.QuarantineError as error:
            raise CommandError(f"event {row.pk} would still be refused: {error}") from error
        self.stdout.write(f"event {row.pk} is put right; run: quarantine replay {row.pk}")

    def _replay(self, options: dict[str, Any]) -> None:
        outcomes = services.replay(_chosen(options))
        for done in outcomes:
            self.stdout.write(f"{done.pk}  {done.outcome}  {done.detail}".rstrip())
        counts = Counter(done.outcome for done in outcomes)
        summary = ", ".join(f"{n} {name}" for name, n in counts.most_common())
        self.stdout.write(f"{len(outcomes)} replayed: {summary or 'nothing'}")

    def _discard(self, options: dict[str, Any]) -> None:
        chosen = _chosen(options)
        question = f"Discard {len(chosen)} events for good? [y/N] "
        if not options["yes"] and input(question).strip().lower() != "y":
            raise CommandError("nothing was discarded")
        self.stdout.write(f"{services.discard(chosen)} discarded")


def _row(pk: int) -> QuarantinedEvent:
    row = QuarantinedEvent.objects.filter(pk=pk).first()
    if row is None:
        raise CommandError(f"there is no quarantined event {pk}")
    return row


def _chosen(options: dict[str, Any]) -> list[int]:
    """Return the keys that were named, or those of a reason; never all for want of a choice."""
    if bool(options["ids"]) == bool(options["reason"]):
        raise CommandError("name either ids or --reason")
    if options["reason"]:
        return selectors.quarantined_keys(options["reason"])
    return list(options["ids"])


def _changed(body: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    body = json.loads(json.dumps(body))  # a copy with its parts
    for change in changes:
        path, is_set, value = change.partition("=")
        if not is_set:
            raise CommandError(f"{change!r} is not FIELD=VALUE")
        part, _, name = path.rpartition(".")
        target = body.setdefault(part, {}) if part else body
        if not isinstance(target, dict):
            raise CommandError(f"{part} is no object")
        if value:
            target[name] = _value(value)
        else:
            target.pop(name, None)
    return body


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return text
