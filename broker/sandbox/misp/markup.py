"""Text made safe for a page: escaping, times, tags, and reports' light Markdown.

Text of an event -> HTML.

Invariant: every function escapes what it is given, so nothing that a client sent can
become markup, a link or a style.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_TLP: Final = re.compile(r"tlp:(red|amber|amber\+strict|green|clear|white)", re.I)
_BOLD: Final = re.compile(r"\*\*(.+?)\*\*")
_CODE: Final = re.compile(r"`([^`]+)`")
_HEADING: Final = re.compile(r"#{1,6}\s+(.*)")
_BULLET: Final = re.compile(r"\s*[-*]\s+(.*)")


def safe(text: object) -> str:
    """Escape a text for use between tags and inside quoted attributes."""
    return html.escape("" if text is None else str(text), quote=True)


def when(seconds: object) -> str:
    """A time in seconds since 1970, for people: ``28 May 2026, 20:26 UTC``."""
    number = int(str(seconds or 0))
    if not number:
        return "never"
    try:
        moment = datetime.fromtimestamp(number, UTC)
    except (OverflowError, ValueError, OSError):
        return "unreadable"
    return f"{moment.day} {moment.strftime('%b %Y, %H:%M')} UTC"


def seen(attribute: Mapping[str, Any]) -> str:
    """The first and last time something was seen, for people."""
    moments = [str(attribute.get(name) or "") for name in ("first_seen", "last_seen")]
    shown = [f"{text[:10]} {text[11:16]}" for text in moments if text]
    return "<br>to ".join(safe(text) for text in dict.fromkeys(shown))


def tag(sent: Mapping[str, Any]) -> str:
    """A tag as a small label; TLP labels carry the colours of the standard."""
    name = str(sent["name"])
    level = _TLP.fullmatch(name)
    if level:
        shade = level[1].lower().removesuffix("+strict").replace("white", "clear")
        return f'<span class="tag tlp tlp-{shade}">{safe(name.upper())}</span>'
    colour = str(sent.get("colour"))
    style = f' style="--hue:{colour}"' if _COLOUR.fullmatch(colour) else ""
    return f'<span class="tag"{style}>{safe(name)}</span>'


def tags(sent: Iterable[Mapping[str, Any]]) -> str:
    """All tags of something, or nothing."""
    labels = "".join(tag(one) for one in sent)
    return f'<div class="tags">{labels}</div>' if labels else ""


def badge(text: str, kind: str = "") -> str:
    """A short state, such as "published"."""
    return f'<span class="badge {safe(kind)}">{safe(text)}</span>'


def report(text: str) -> str:
    """A report's text with headings, bullets, bold and code; the rest as written."""
    blocks: list[str] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        blocks.extend(_block(block.split("\n")))
    return f'<div class="report">{"".join(blocks)}</div>'


def _block(lines: Iterable[str]) -> Iterable[str]:
    bullets: list[str] = []
    plain: list[str] = []
    for line in lines:
        heading, bullet = _HEADING.fullmatch(line), _BULLET.fullmatch(line)
        if bullet is None:
            yield from _list(bullets)
        if heading or bullet:
            yield from _paragraph(plain)
        if heading:
            yield f"<h4>{_inline(heading[1])}</h4>"
        elif bullet:
            bullets.append(f"<li>{_inline(bullet[1])}</li>")
        elif line.strip():
            plain.append(_inline(line))
    yield from _list(bullets)
    yield from _paragraph(plain)


def _list(items: list[str]) -> Iterable[str]:
    if items:
        yield f"<ul>{''.join(items)}</ul>"
        items.clear()


def _paragraph(lines: list[str]) -> Iterable[str]:
    if lines:
        yield f"<p>{'<br>'.join(lines)}</p>"
        lines.clear()


def _inline(text: str) -> str:
    bold = _BOLD.sub(r"<strong>\1</strong>", safe(text))
    return _CODE.sub(r"<code>\1</code>", bold)
