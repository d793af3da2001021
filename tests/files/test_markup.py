"""Markup: attributes are escaped, and content is as it is given."""

from __future__ import annotations

from scripts.files.markup import element, escape


def test_attributes_are_escaped_named_and_left_out_where_there_is_no_value() -> None:
    made = element("td", escape("a < b"), class_="number above", data_value=1.5, title='5" & more', hidden=None)
    assert made == """<td class="number above" data-value="1.5" title='5" &amp; more'>a &lt; b</td>"""


def test_content_is_markup() -> None:
    assert element("svg", element("circle", r=4)) == '<svg><circle r="4"></circle></svg>'
    assert element("td") == "<td></td>"
