"""The main parameters of the feed in plain words, read off what serves (DSA art. 27)."""

from __future__ import annotations

from apps.feed.modes import FOR_YOU, MODES
from apps.feed.reasons import reason_of
from apps.feed.types import Choice, Criterion, ModeStated, Statement, Step
from apps.learning import bundle
from apps.ranking import selectors as ranking
from apps.ranking.types import SELECT, WATCH_QUANTILE, Head

CRITERIA = {
    SELECT: "How well it fits what you watched, liked and followed, beside all that could be shown",
    WATCH_QUANTILE: "How long you are expected to watch it, beside others of its length",
    Head.LONG_VIEW: "How likely you are to watch it long",
    Head.CLICK: "How likely you are to stay with it for seven seconds",
    Head.COMPLETE: "How likely you are to watch it to the end",
    Head.REPLAY: "How likely you are to watch it again",
    Head.LIKE: "How likely you are to like it",
    Head.COMMENT: "How likely you are to comment on it",
    Head.SHARE: "How likely you are to share it",
    Head.SAVE: "How likely you are to save it",
    Head.FOLLOW: "How likely you are to follow its creator after it",
    Head.SKIP: "How likely you are to skip it within seconds",
    Head.HIDE: "How likely you are to hide it",
    Head.REPORT: "How likely you are to report it",
}
_REMOVES = {
    "servable": "What was removed, hidden, or is not out yet",
    "withheld": "What is for adults, unless you are known to be one; what moderation keeps back",
    "already_seen": "What you have met",
    "recently_served": "What you were offered within the last hour",
    "own_content": "What you made yourself",
    "hidden_creators": "Creators whom you blocked, and for two weeks those of what you hid",
    "restricted": "What does not meet the conditions that the app asked for",
    "editorial_exclusions": "What an editor's rule excludes",
}
_ADJUSTS = {
    "trend_boost": "What many suddenly watch comes up a little",
    "cold_start": "While little is known of you, what many watch long and the categories you chose",
    "fatigue": "What is like something you hid comes less for a month",
    "editorial_weights": "An editor's rule may weigh contents",
    "asking": "While it is open what you like, a page tries different kinds",
    "diversify": "Contents that are alike are spread, and no creator or sound comes too often",
    "exposure_guarantee": "A few places are for new and small creators, where little is lost",
    "exploration_slots": "A few places are for what hardly anybody has seen, drawn by chance",
    "editorial_pins": "An editor's rule may fix a content to a place",
}
_CHOICES = (
    Choice(
        "Turn personalization off: what you do no longer moves your feed",
        'PUT /api/v1/users/{id} {"preferences": {"personalization": false}}',
    ),
    Choice("Choose another feed", "GET /api/v1/feed?mode=…"),
    Choice("Choose categories", 'PUT /api/v1/users/{id} {"preferences": {"categories": […]}}'),
    Choice("See less like something, and take it back", "event hide, event unhide"),
    Choice("Learn why you see something", "reason of each item; terms with explain=true"),
    Choice("Have all that is kept of you", "GET /api/v1/users/{id}/export"),
    Choice("Have it erased", "DELETE /api/v1/users/{id}"),
)


def statement() -> Statement:
    """Return what orders the feed now; raise KeyError for a stage that nobody has put in words."""
    pipeline, objective = MODES[FOR_YOU].pipeline, ranking.objective()
    weights = sorted(objective.weights.items(), key=lambda item: -abs(item[1]))
    return Statement(
        modes=[ModeStated(m.name, m.about, m.is_personal) for m in MODES.values()],
        is_learned=bundle.production() is not None,
        objective=objective.version,
        criteria=[Criterion(term, CRITERIA[term], weight) for term, weight in weights if weight],
        proposes=[Step(s.name, reason_of(s.name, "its creator")) for s in pipeline.sources],
        removes=[Step(f.name, _REMOVES[f.name]) for f in pipeline.filters],
        adjusts=[Step(r.name, _ADJUSTS[r.name]) for r in pipeline.rerankers],
        choices=list(_CHOICES),
    )
