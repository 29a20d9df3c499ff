from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

from mqtctl.notation import NOTHING, Estimate
from mqtctl.report import captions
from mqtctl.report.content import Content
from mqtctl.report.html import Picture, page

MakeContent = Callable[..., Content]
VOID = {"meta", "img", "br"}


class Checker(HTMLParser):
    """Collects tags and checks that they are nested properly."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(text: str) -> Checker:
    """Parse a page; fails where tags are not nested."""
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    return checker


def pictures(content: Content) -> list[Picture]:
    """Return one picture for each caption, with stand-in images."""
    makers = (
        captions.histogram_caption,
        captions.width_caption,
        captions.rate_caption,
        captions.escape_temperature_caption,
    )
    return [Picture(make.__name__, make.__name__, make(content), b"\x89PNG") for make in makers]


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(make_content: MakeContent) -> None:
    content = make_content()
    text = page(content, pictures(content), {"sample": "JJ"})
    checker = checked(text)
    assert not {"script", "link", "iframe", "object", "a"} & set(checker.tags)
    sources = [value for name, value in checker.attributes if name in {"src", "href"}]
    assert len(sources) == 4
    assert all(value is not None and value.startswith("data:image/png;base64,") for value in sources)
    assert not re.search(r"https?://|url\(|@import", text)


def test_what_a_user_wrote_is_shown_literally_and_never_run(make_content: MakeContent) -> None:
    nasty = 'Ω <script>alert("1")</script> & $x$ ${title} "\ud800'
    content = replace(
        make_content((0.1,), title=nasty), warnings=(nasty,), unidentified=((nasty, nasty),), verdict=nasty
    )
    content = replace(content, points=tuple(replace(p, remarks=(nasty,)) for p in content.points))
    text = page(content, pictures(content), {nasty: nasty, "versions": {nasty: nasty}})
    checker = checked(text)
    assert "script" not in checker.tags
    assert "Ω &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; $x$ ${title}" in text


def test_every_number_says_which_one_it_is(make_content: MakeContent) -> None:
    content = make_content()
    text = page(content, pictures(content), {})
    assert "shared <i>I</i><sub>c</sub>" in text
    assert "free <i>I</i><sub>c</sub>" in text
    assert (
        "<td>Saturation escape temperature (shared critical current, <i>a</i><sub>t</sub> = 1)</td><td>36.10(40) mK"
        in text
    )
    assert "9.4888(13) µA" in text
    assert "passes 1.2 times its saturation" in text
    assert "from the thermal points alone" in text
    assert text.count("<i>a</i><sub>t</sub>") >= 4  # table note and captions


def test_what_cannot_be_identified_is_said_at_the_top_and_in_the_table(make_content: MakeContent) -> None:
    content = make_content((0.1, 0.3))
    missing = ("saturation_escape_temperature", "tunnelling_escape_temperature", "tunnelling_sigmas")
    content = replace(
        content,
        results={**content.results, **dict.fromkeys(missing, NOTHING)},
        verdict="not identifiable",
        unidentified=(("Saturation", "no point lies below 0.6 of the crossover temperature"),),
    )
    text = page(content, [], {})
    assert text.index("no point lies below 0.6") < text.index("<h2>Summary</h2>")
    row = re.search(r"<td>Saturation escape temperature.*?</td><td>([^<]*)</td>", text)
    assert row is not None
    assert row.group(1) == "not identifiable"
    assert 'class="box warning"><p><strong>Verdict: not identifiable.' in text


def test_a_saturation_that_is_not_flat_and_hotter_than_theory_is_not_praised(make_content: MakeContent) -> None:
    content = make_content()
    hotter = {"saturation_flatness_pvalue": Estimate(1e-9), "tunnelling_sigmas": Estimate(8.0)}
    content = replace(
        content, results={**content.results, **hotter}, verdict="hotter than tunnelling: noise or heating"
    )
    text = page(content, [], {})
    assert "36.10(40) mK; its points are not flat, p = 1e-09" in text
    assert 'class="box warning"><p><strong>Verdict: hotter than tunnelling: noise or heating.' in text
    assert "+8.0 standard errors" in text


def test_a_sweep_without_a_fit_has_dashes_and_no_verdict(bare_content: Content) -> None:
    text = page(bare_content, pictures(bare_content), {})
    checked(text)
    assert "Verdict:" not in text
    assert "none (undamped)" in text
    assert "nan" not in text.lower().replace("provenance", "")
    assert "6 ramps ended without a switch" in text


def test_remarks_are_marked_in_their_row_and_written_below(make_content: MakeContent) -> None:
    content = make_content((0.1, 0.2))
    first, second = content.points
    text = page(replace(content, points=(first, replace(second, remarks=("drift of 4 sigma",)))), [], {})
    assert "<td>1*</td>" in text
    assert "<td>0</td>" in text
    assert "* Point 1: drift of 4 sigma" in text
