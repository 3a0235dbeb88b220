"""What devices and server agree on; no framework, so that both can read it."""

from __future__ import annotations

# Of a card and a device's own views, in the order of the weights. Log odds, or about that.
FEATURES = (
    "bias",
    "content_rate",  # long views a view of the content, of all who send events
    "creator_rate",  # of its creator's contents
    "own_rate",  # long views a view of this device
    "category_taste",  # how far its rate in the category is above that
    "creator_taste",  # and with the creator
    "same_language",  # 1 where the content is in the device's language
)
N_NEIGHBORS = 64  # whom a device shares masks and secrets with; even
TICKET_HEADER = "Federation-Ticket"
MAX_CARDS = 200  # of one answer
