"""What counts as what in the KPIs."""

from __future__ import annotations

from apps.core.clock import HOUR_MS

COMPLETE_SHARE = 0.97  # of the length; players report a little less than all (as the counters)
BOT_VIEWS = 3000  # views of one viewer in one day above which they are no person
BOT_WATCH_MS = 24 * HOUR_MS  # watched in one day, above which neither
NIGHT_FROM, NIGHT_TO = 23, 5  # local hours; night is [23:00, 05:00)
OVER_USE_MS = 2 * HOUR_MS  # watched in one day
NEW_CREATOR_DAYS = 30  # since the first upload
RETENTION_DAYS = 30  # n of the retention matrix goes from 0 to this
MOST_LANGUAGES = 20  # segments of a day, the most viewers first
BUCKET_MS = 5 * 60 * 1000  # of the metrics that alerts watch
