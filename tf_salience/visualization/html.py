"""Tokens in a notebook: spans of a class for each step of the scale, the score as a tooltip.

The style comes with each output, without network, files or scripts. Its rules are under a class
whose name is made from their text: several outputs in one page share them, and those of another
version of the library do not meet them. The theme is that of the page: Jupyter, VS Code and Colab
say it in an attribute; elsewhere it is the one that the reader prefers.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html import escape

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.spacing import token_spacing

#: Selectors under which a page is light or dark: Jupyter, VS Code, Colab, Sphinx.
_LIGHT_PAGES = (
    "[data-jp-theme-light=true]",
    "body.vscode-light",
    "body.vscode-high-contrast-light",
    "html[theme=light]",
    "[data-theme=light]",
)
_DARK_PAGES = (
    "[data-jp-theme-light=false]",
    "body.vscode-dark",
    "body.vscode-high-contrast:not(.vscode-high-contrast-light)",
    "html[theme=dark]",
    "[data-theme=dark]",
)
#: The rules that have no colours of the scale, `&` stands for the class.
_RULES = (
    "&{color-scheme:light dark;background:light-dark(@page);color:light-dark(@text);"
    "font:14px/2 system-ui,sans-serif;padding:4px 10px;border-radius:6px;margin:2px 0;"
    "overflow-x:auto;overflow-wrap:anywhere;text-align:start;print-color-adjust:exact}",
    f":is({','.join(_LIGHT_PAGES)}) &{{color-scheme:light}}",
    f":is({','.join(_DARK_PAGES)}) &{{color-scheme:dark}}",
    "& .h{font-size:12px;line-height:1.6}& .h label{white-space:nowrap;margin-inline-start:1em}",
    "& .h input{margin:0 4px 0 0;vertical-align:middle}",
    "& [title]{padding:1px 3px;border-radius:3px 3px 0 0;box-decoration-break:clone;"
    "-webkit-box-decoration-break:clone}",
    "& .s{font-size:12px;font-style:italic}& bdi.x{font-style:italic}",
    "&:has(.h input:checked) [title]::after{content:'\\a0' attr(title);font-size:75%;"
    "unicode-bidi:isolate;direction:ltr}",
    # Three times the class, to be stronger than Jupyter's rules for tables.
    "&&& table{border-collapse:collapse;border:0;color:inherit;margin:4px 0;font-size:13px;"
    "line-height:1.5}&&& tr{background:none}&&& caption{text-align:start;font-weight:600}",
    "&&& :is(th,td){padding:2px 6px;text-align:end;vertical-align:top;border:0}"
    "&&& :is(th:first-child,td:first-child){text-align:start}",
    "&&& table.m :is(th,td){white-space:nowrap;text-align:center}"
    "&&& table.m th:first-child{position:sticky;left:0;background:light-dark(@page)}",
)

_BOX = "<label><input type=checkbox>numbers</label>"


def with_style(cards: str) -> str:
    """Returns cards with the style that they need, once."""
    style, _ = _style()
    return f"<style>{style}</style>{cards}"


def card(header: str, body: str, *, signed: bool | None = True, has_numbers: bool = False) -> str:
    """Returns a line of text, `header`, above the HTML of `body`.

    Args:
        header: the line of text.
        body: HTML.
        signed: which scale is explained beside the header; None: the body has no scores.
        has_numbers: True: the body shows the numbers; else there is a box to tick for them.
    """
    return (
        f'<div class="{_style()[1]}"><div class="h">{escape(printable(header))}'
        f"{'' if signed is None else _legend(signed)}"
        f'{"" if signed is None or has_numbers else _BOX}</div><div dir="auto">{body}</div></div>'
    )


def tokens_html(
    tokens: Sequence[str],
    scores: Sequence[float],
    segments: Mapping[str, slice] | None = None,
    words: Sequence[int] | None = None,
    *,
    signed: bool = True,
    largest: float | None = None,
) -> str:
    """Returns an element for each token, its text escaped, its score as the title.

    Args:
        tokens: (tokens,).
        scores: (tokens,).
        segments: as for `terminal.colored`.
        words: as for `terminal.colored`.
        signed: as for `color_scale.backgrounds`.
        largest: as for `color_scale.relative_scores`.
    """
    parts = []
    spacing = token_spacing(len(tokens), segments, words)
    relative_scores = color_scale.relative_scores(scores, largest)
    for token, score, relative, (label, space, special) in zip(
        tokens, scores, relative_scores, spacing, strict=True
    ):
        if label:
            # Isolated: the direction of the text is that of its own first letter.
            parts.append(f'<bdi class="s">{escape(label.strip())}</bdi> ')
        element, more = ("bdi", "x") if special else ("span", "")
        name = " ".join(filter(None, (more, level_class(relative, signed=signed))))
        name = f' class="{name}"' if name else ""
        text = escape(printable(token))
        parts.append(f'<{element}{name} title="{score:+.4g}">{text}</{element}>{space}')
    return "".join(parts).rstrip()


def level_class(relative_score: float, *, signed: bool = True) -> str:
    """Returns the class of a score in a card; the page's own colours, "", for the smallest."""
    level = color_scale.level(relative_score)
    return f"{_letter(level, signed)}{abs(level)}" if level else ""


def _letter(level: int, signed: bool) -> str:
    return ("p" if level > 0 else "n") if signed else "u"


def _legend(signed: bool) -> str:
    strong = color_scale.LEVELS * 3 // 4
    shown = {f"p{strong}": "for", f"n{strong}": "against"} if signed else {f"u{strong}": "strong"}
    marks = " ".join(f'<b class="{name}">&nbsp;{text}&nbsp;</b>' for name, text in shown.items())
    return f" {marks}"


@cache
def _style() -> tuple[str, str]:
    """Returns the rules, and the class under which they are."""
    rules = "".join([*_RULES, *level_rules("&")])
    for name in ("page", "text"):
        colors = (
            color_scale.as_hex(getattr(theme, name))
            for theme in (color_scale.LIGHT, color_scale.DARK)
        )
        rules = rules.replace(f"@{name}", ",".join(colors))
    name = f"tfs-{hashlib.sha256(rules.encode()).hexdigest()[:8]}"
    return rules.replace("&", f".{name}"), name


def level_rules(parent: str) -> Iterator[str]:
    """Yields a rule for each step: colours in both themes, and a bar whose height is the score.

    Args:
        parent: the selector under which the rules hold.
    """
    for sign, signed, line in ((1, True, "solid"), (-1, True, "dashed"), (1, False, "solid")):
        for level in range(1, color_scale.LEVELS + 1):
            relative = sign * level / color_scale.LEVELS
            background, text, bar = (
                ",".join(
                    color(relative, theme, signed=signed)
                    for theme in (color_scale.LIGHT, color_scale.DARK)
                )
                for color in (color_scale.background, color_scale.foreground, color_scale.bar)
            )
            yield (
                f"{parent} .{_letter(sign, signed)}{level}{{background:light-dark({background});"
                f"color:light-dark({text});"
                f"border-bottom:{0.5 + level * 0.35:.3g}px {line} light-dark({bar})}}"
            )
