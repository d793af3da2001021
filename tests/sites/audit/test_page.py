"""The page: everything of the content is on it, escaped, without a script or a connection."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from audited_site import SCANNERS, site_of, write_site
from browser import browser, chromium

from scripts.sites.audit.content import audit_of
from scripts.sites.audit.page import audit_page


def test_sentences_groups_and_tests_are_there(tmp_path: Path) -> None:
    content = audit_of(site_of(write_site(tmp_path, 120, lambda f: 0.6 * (f["scanner"] == SCANNERS[1]))), "s", "1")
    page = audit_page(content).decode()
    text = re.sub(r"<[^>]+>", " ", page).replace("&#39;", "'").replace("&amp;", "&")
    for sentence in content["sentences"]:
        assert sentence in text
    assert [
        f"<h2>{title}</h2>" in page for title in ("Scanner", "Kernel", "Slice thickness", "Age", "Sex", "Month")
    ] == [True] * 6
    assert "B (ACME ONE)" in text
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_header_can_t_become_markup(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 60))
    scans = tuple(replace(scan, facts={"scanner": '<b onload="x">', "kernel": "<i>"}) for scan in site.scans)
    page = audit_page(audit_of(replace(site, scans=scans), "s", "1")).decode()
    assert "<b" not in page.replace("<body", "")
    assert "<i>" not in page


def test_without_facts_there_are_no_groups(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 30))
    bare = replace(site, scans=tuple(replace(scan, facts=None) for scan in site.scans))
    page = audit_page(audit_of(bare, "s", "1")).decode()
    assert "<h2>Scanner</h2>" not in page
    assert "Not known, and so not compared" in page


@pytest.mark.skipif(chromium() is None, reason="no Chromium is here: name one by CHROMIUM, or `make test-browser`")
@pytest.mark.xdist_group("browser")
def test_it_opens_in_a_browser_and_fits_its_width(tmp_path: Path) -> None:
    (tmp_path / "audit.html").write_bytes(audit_page(audit_of(site_of(write_site(tmp_path, 120)), "s", "1")))
    with browser(tmp_path / "profile") as one:
        one.open(tmp_path / "audit.html")
        for width in (1400, 700):
            one.resize(width, 900)
            assert one.run("document.documentElement.scrollWidth") <= width
        assert one.run("document.querySelectorAll('svg').length") == 12
        assert one.said == []
