"""HTML, as CRMs' rich text fields send it, to the lines a rep sees.

The standard library's parser takes minutes for 400 kB of unclosed comments, so that any sender could hold a worker; this reading is linear. A
tag ends at the next `>`, in an attribute too: editors write `&gt;` there.
"""

from __future__ import annotations

import re
from html import unescape

MAX_HTML = 400_000  # characters; a note of the greatest length with much markup around it
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<unseen>script|style|head|title|template)\b.*?(?:</(?P=unseen)\s*>|\Z)"
    r"|<[/!?]?(?P<tag>[a-z][a-z0-9:-]*)[^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
_LINE_TAGS = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
     "li", "ol", "p", "pre", "section", "table", "tbody", "tr", "ul"}
)  # fmt: skip
_CELL_TAGS = frozenset({"td", "th"})
_BLANKS = re.compile(r"[ \t\r\f\v\xa0\u200b]+")


def html_to_text(html: str) -> str:
    """The visible text, one line a paragraph, list item or table row; cells parted by a space, scripts and styles left out. Raises ValueError
    above MAX_HTML characters."""
    if len(html) > MAX_HTML:
        raise ValueError("the HTML is too long")
    text = unescape(_MARKUP.sub(_in_its_place, html))
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _in_its_place(markup: re.Match[str]) -> str:
    tag = (markup["tag"] or "").lower()
    if tag in _LINE_TAGS:
        return "\n"
    return " " if tag in _CELL_TAGS else ""
