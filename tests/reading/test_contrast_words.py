"""Words for contrast agent, language by language."""

from __future__ import annotations

import pytest

from scripts.reading.contrast_words import denies_contrast, in_capitals, mentions_contrast

TABLE = {
    "de": (
        ["mit Kontrastmittel", "Schädel KM", "nach KM", "Schädel m. KM", "CCT ohne und mit KM", "mit/ohne KM"],
        ["ohne KM", "Schädel nativ", "ohne Kontrastmittel", "vor KM", "kein KM", "kontrastfrei"],
    ),
    "nl": (
        ["met contrast", "Schedel met i.v. contrast", "na contrast", "zonder en met contrast"],
        ["zonder contrast", "blanco", "geen contrast", "voor contrast"],
    ),
    "sv": (["med kontrast", "hjärna efter kontrast", "utan och med kontrast"], ["utan kontrast", "före kontrast"]),
    "da": (
        ["med kontrast", "CT cerebrum m/kontrast", "m/k"],
        ["uden kontrast", "u. kontrast", "u/kontrast", "før kontrast"],
    ),
    "no": (["med kontrast", "etter kontrast", "med og uten kontrast"], ["uten kontrast", "ingen kontrast"]),
    "es": (
        ["con contraste", "cráneo con CIV", "C/C", "sin y con contraste"],
        ["sin contraste", "sin CIV", "S/C", "antes de contraste"],
    ),
    "pt": (
        ["com contraste", "crânio C/C", "c/ contraste", "sem e com contraste", "S/C e C/C"],
        ["sem contraste", "s/ contraste", "S/C"],
    ),
    "it": (
        ["con mdc", "encefalo con contrasto", "senza e con mdc", "dopo mdc"],
        ["senza mdc", "senza contrasto", "prima di mdc"],
    ),
    "fr": (
        ["avec injection", "crâne injecté", "avec contraste", "sans et avec injection", "IV+", "IV- et IV+"],
        ["sans injection", "crâne IV-", "non injecté", "sans contraste", "avant injection"],
    ),
    "pl": (
        ["z kontrastem", "po kontraście", "bez i z kontrastem", "głowa ze kontrastem"],
        ["bez kontrastu", "przed kontrastem", "głowa bez kontrastu"],
    ),
    "tr": (
        ["kontrastl\u0131", "IV kontrastl\u0131 beyin", "kontrastl\u0131 kranyum"],
        ["kontrasts\u0131z", "kontrasts\u0131z beyin"],
    ),
    "en": (
        ["with contrast", "W/ CONTRAST", "W WO CONTRAST", "WITHOUT AND WITH CONTRAST", "W/O & W CONTRAST", "HEAD C+"],
        ["without contrast", "W/O CONTRAST", "WO CONTRAST", "unenhanced, no IV contrast", "HEAD C-", "non-contrast"],
    ),
    "names": (
        ["HEAD_CTA_1.0", "CTV HEAD", "CTP", "VPCT", "HEAD_W_CONTRAST", "ANONYMIZED CTA HEAD", "HEAD POST-C"],
        ["HEAD_WITHOUT_CONTRAST", "01_HEAD_WO_CONTRAST", "HEAD_W_O_CONTRAST", "HEAD_NO_CONTRAST", "HEAD CONTRAST -C"],
    ),
}
"""By language, and for names of protocols, texts that say that there is contrast agent, and texts that deny it."""

WITH = [(language, text) for language, (texts, _) in TABLE.items() for text in texts]
WITHOUT = [(language, text) for language, (_, texts) in TABLE.items() for text in texts]


@pytest.mark.parametrize(("language", "text"), WITH)
def test_with(language: str, text: str) -> None:
    assert mentions_contrast(text)
    assert not denies_contrast(text)


@pytest.mark.parametrize(("language", "text"), WITHOUT)
def test_without(language: str, text: str) -> None:
    assert not mentions_contrast(text)
    assert denies_contrast(text)


@pytest.mark.parametrize(
    "text", ["", "Schädel 5 mm", "C-SPINE", "HEAD 10 CM", "SINUS", "MEDIUM SMOOTH", "Hjärna", "tête", "W ORBITS", "5/5"]
)
def test_what_says_nothing_of_it(text: str) -> None:
    assert not mentions_contrast(text)
    assert not denies_contrast(text)


def test_capitals_without_accents_and_underscores() -> None:
    assert in_capitals("head_wo_Contrast") == "HEAD WO CONTRAST"
    assert in_capitals("Schädel før głowa kontrasts\u0131z İ") == "SCHADEL FOR GLOWA KONTRASTSIZ I"
