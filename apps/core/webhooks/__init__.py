"""Webhooks: signed messages to other servers, sent until they are taken."""
