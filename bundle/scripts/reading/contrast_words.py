"""Words for contrast agent in series descriptions, in the languages that scanners are set to.

A text *mentions* the agent; a *negation* denies it; a *pair* says that there are images without and with it. Languages:
German, Dutch, Swedish, Danish, Norwegian, Spanish, Portuguese, Italian, French, Polish, Turkish, English. Texts are
compared in capitals without accents, with spaces for underscores.
"""

from __future__ import annotations

import re
import unicodedata

LETTERS = str.maketrans({"Ł": "L", "Ø": "O", "Æ": "AE", "ß": "SS", "_": " "})
"""Letters that are not a plain one with an accent; and underscores, which stand between words."""

AGENT = r"(?:IV\W+|I\.V\.\W*)?(?:CONTRAST\w*|KONTRA(?:SC|ST(?!SIZ|FRI|FREI|LOS))\w*|KM|K\.M\.|MDC|CIV|INJECT\w*)"
"""The agent, "injection" among its words: IV stands for intravenous."""

WITHOUT = r"WITHOUT|W[/ ]?O|OHNE|ZONDER|UTAN|UDEN|UTEN|SIN|SEM|SENZA|SANS|BEZ"
WITH = r"WITH|W|MIT|MET|MED|CON|COM|AVEC|ZE?"
AND = r"\W*(?:\b(?:AND|UND|EN|OCH|OG|Y|E|ET|I)\b)?\W*"
BEFORE = r"BEFORE|VOR|VOOR|FORE|FOR|AVANT|ANTES\W+DEL?|PRIMA\W+D(?:I|EL)|PRZED"

PAIRS = re.compile(
    rf"\b(?:{WITHOUT})\b{AND}\b(?:{WITH})\b|\b(?:{WITH})\b{AND}\b(?:{WITHOUT})\b|\b(?:{WITH})\b\W*{AGENT}\b"
    r"|\bC/ ?C\b|\bIV ?\+"
)
"""Pairs; and the agent after a word for "with", whatever else the text denies."""

NEGATIONS = re.compile(
    rf"\b(?:{WITHOUT})\b|\b(?:{BEFORE})\W+{AGENT}\b|KONTRAST(?:SIZ|FRI|FREI|LOS)"
    r"|\b(?:NO|NONE|NIL|KEINE?|GEEN|INGEN|INGET|NINGUNO|NENHUM|NESSUNO|AUCUN|BRAK|YOK)\b"
    r"|\bNON|NATIV|PLAIN|BLANCO|UNENHANCED|(?<!POST)-C\b|\b(?:C|IV)-(?!\w)|\b[SU]/ ?[CK]|\bU\. ?KONTRA"
    r"|\bPRE[ -]?(?:C|CON\w*|KM|IV)\b"
)
"""Words that deny the agent in a text that mentions it."""

MENTIONS = re.compile(
    rf"\b{AGENT}\b|CONTRAST|\+ ?C\b|\bC\+|\bVPCT\b|\bCT[APV]\b|\bM/ ?K\b|ANGIO|VENOGRA|PERFUSION|\bIV\b|\bCECT\b"
    r"|\bPOST[ -]?(?:C|CON\w*|KM|IV)\b"
)
"""Words that mention the agent, or a kind of scan that needs it."""


def in_capitals(text: str) -> str:
    """The text in capitals, without accents, with spaces for underscores."""
    letters = unicodedata.normalize("NFKD", text.upper().translate(LETTERS))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def denies_contrast(text: str) -> bool:
    """True if a text denies the agent and names no images with it."""
    text = in_capitals(text)
    return bool(NEGATIONS.search(text)) and not PAIRS.search(text)


def mentions_contrast(text: str) -> bool:
    """True if a text says that there is contrast agent."""
    text = in_capitals(text)
    return bool(PAIRS.search(text)) or (bool(MENTIONS.search(text)) and not NEGATIONS.search(text))
