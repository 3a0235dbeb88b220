"""Rules of the event log."""

from __future__ import annotations

from apps.core.clock import DAY_MS, HOUR_MS, SECOND_MS

MAX_BATCH = 500
MAX_AGE_MS = 7 * DAY_MS  # older events need the scope events:backfill
MAX_AHEAD_MS = 5 * 60 * SECOND_MS  # a clock may be this far ahead before it is corrected
EARLIEST_MS = 0  # 1970: before it nothing happened
HISTORY_EVENTS = 300  # latest events of a viewer that a request reads
DISLIKED_MS = 30 * DAY_MS  # a hidden content counts against its like for this long
MOST_SLATES = 5000  # that are looked through for one content
MOST_DISLIKED = 40  # of the latest ones
SERVED_WINDOW_MS = 3600 * SECOND_MS  # contents served this recently are not proposed again

# A watch time is believed up to this many times what the viewer is known to have played.
WATCH_SLACK = 1.5
REPLAY_WINDOW_MS = HOUR_MS  # replays this long before a view belong to it

MAX_KEPT_BYTES = 64_000  # of a refused event longer than that only size and hash are kept
MAX_REFUSED_PER_DAY = 20_000  # rows of one reason that the quarantine takes in a day (UTC)
