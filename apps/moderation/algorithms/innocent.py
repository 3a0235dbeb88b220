"""Words that only look bad, for the classifier to learn from (the Scunthorpe problem)."""

from __future__ import annotations

_TEXT = """
class classes classic glass grass mass pass passage passed brass compass embassy assembly assess
assets  assist associate  assure assault harass bassist ambassador massive passion
title titan titanic constitution institute competition repetition
  peacock hancock woodcock cockatoo cockroach cocker
dickens dickinson dictionary predict
circumstance accumulate document cucumber cumberland
shiitake shitake mishit
analysis analyst canal banal
sextant sussex middlesex wessex sextet
hoedown shoes hoel phoenix
nighttime night knight nightingale niger nigeria snigger
 cocoon tycoon
buttress butter button rebuttal
essay message passenger lasso
 parsed hoarse
pussycat pussywillow
fagus
spice spicy conspicuous despicable
 grapes drapes scrape
wankel swank
bastion  bitumen
"""
_WORDS = _TEXT.split()

_FRAMES = ("{} today", "the {} was good", "I like {} and {}", "{}")

INNOCENT = tuple(
    frame.format(word, _WORDS[(i + 7) % len(_WORDS)])
    for i, word in enumerate(_WORDS)
    for frame in _FRAMES
)
