# SPDX-License-Identifier: GPL-3.0-or-later
"""Grouped horizontal bars as SVG. Sections of rows share one or several columns, each with an axis of its own; a cell may carry
its spread, an aim and a bound. The card has a background of its own and follows the reader's light or dark theme;
colours are those of ui/style/theme.cpp, and every colour is also said in words or by a shape."""
import math
from dataclasses import dataclass, field
from html import escape

WIDTH, MARGIN, LABELS, GUTTER = 880, 24, 196, 44
BAR, GAP, GROUP_GAP = 18, 4, 12
HEADING, AXIS, LEGEND_LINE = 46, 54, 22

# name: (light, dark); `on` is the colour of text on a bar
THEME = {
    "card": ("#FFFFFF", "#20232B"), "border": ("#DCDFE6", "#333845"), "text": ("#1B1F29", "#E7E9EF"), "muted": ("#586173", "#A0A8B8"),
    "aim": ("#C2410C", "#FFB454"), "low": ("#8FA2F2", "#5468C4"), "mid": ("#3450D2", "#8EA4FF"), "high": ("#1C2A73", "#D3DCFF"),
    "base": ("#9AA1AF", "#7D8698"),
    "on-low": ("#10142A", "#FFFFFF"), "on-mid": ("#FFFFFF", "#10142A"), "on-high": ("#FFFFFF", "#10142A"), "on-base": ("#10142A", "#10142A"),
}


@dataclass
class Cell:
    value: float | None
    aim: float | None = None    # drawn across the bar with a diamond
    low: float | None = None    # the spread, drawn as a whisker
    high: float | None = None
    bound: float | None = None  # drawn across the bar with a disc


@dataclass
class Row:
    label: str
    tone: str  # low, mid, high, base
    cells: list


@dataclass
class Group:
    label: str
    rows: list


@dataclass
class Section:
    heading: str
    detail: str  # device, clock, date
    groups: list


@dataclass
class Column:
    label: str  # with the unit
    top: float
    step: float
    form: str = "{:.2f}"
    ticks: str = "{:g}"
    line: float | None = None  # a value to compare with, such as 1x
    x: float = field(default=0, init=False)
    width: float = field(default=0, init=False)

    def at(self, value):
        return self.x + self.width * min(value, self.top) / self.top


def style():
    def rules(index):
        return "".join(f".{name}{{fill:{colors[index]}}}.s-{name}{{stroke:{colors[index]};fill:none}}" for name, colors in THEME.items())
    return (f"<style>text{{font-family:Inter,'Segoe UI',system-ui,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;font-size:13px}}"
            f".title{{font-size:18px;font-weight:600}}.strong{{font-weight:600}}.small{{font-size:12px}}"
            f"{rules(0)}@media(prefers-color-scheme:dark){{{rules(1)}}}</style>")


def text(x, y, words, classes="text", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1, y1, x2, y2, tone, more=""):
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="s-{tone}" {more}/>'


def mark(kind, x, y, height):
    """A line across the bar, edged so that it is seen on every tone: an aim has a diamond in its middle, a bound a disc."""
    middle = y + height / 2
    if kind == "aim":
        tone, head = "aim", f"M{x - 5:.1f} {middle:.1f}l5 -5l5 5l-5 5z"
    else:
        tone, head = "text", f"M{x - 4:.1f} {middle:.1f}a4 4 0 0 1 8 0a4 4 0 0 1 -8 0z"
    across = f"M{x:.1f} {y - 1:.1f}V{y + height + 1:.1f}"
    return (f'<path d="{across}{head}" class="s-card" stroke-width="5"/><path d="{across}" class="s-{tone}" stroke-width="2"/>'
            f'<path d="{head}" class="{tone}"/>')


def width_of(words):
    return 7.0 * len(words)  # at 13 px, on the wide side for any of the fonts


def cell(column, tone, y, values):
    if values is None or values.value is None:
        return text(column.x + 6, y + 13.5, "not measured", "muted small")
    end = column.at(values.value)
    out = [f'<path d="M{column.x:.1f} {y}H{end - 2:.1f}q2 0 2 2v{BAR - 4}q0 2 -2 2H{column.x:.1f}z" class="{tone}"/>']
    right = end
    if values.low is not None and column.at(values.high) - column.at(values.low) >= 3:
        left, right = column.at(values.low), max(end, column.at(values.high))
        middle = y + BAR / 2
        ends = "".join(f"M{x:.1f} {middle - 4:.1f}v8" for x in (left, right))
        whisker = f"M{left:.1f} {middle:.1f}H{right:.1f}{ends}"
        out += [f'<path d="{whisker}" class="s-card" stroke-width="4"/>', f'<path d="{whisker}" class="s-text" stroke-width="1.5"/>']
    marks = [(kind, column.at(place)) for kind, place in (("bound", values.bound), ("aim", values.aim)) if place is not None]
    out += [mark(kind, x, y, BAR) for kind, x in marks]
    words = column.form.format(values.value)
    first = min([end, column.at(values.low or values.value)] + [x for _, x in marks])
    if first - column.x >= width_of(words) + 16:  # inside, where nothing crosses it
        return "".join(out + [text(column.x + 7, y + 13.5, words, f"on-{tone}")])
    x = right + 6
    for _, place in sorted(marks, key=lambda entry: entry[1]):
        if x - 10 < place < x + width_of(words):
            x = place + 8
    return "".join(out + [text(x, y + 13.5, words)])


def axis_to(most):
    """Top and step of an axis from 0 that holds `most`, with 4 to 7 steps of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(most / 7))
    step = next(factor * power for factor in (1, 2, 5, 10) if most <= 7 * factor * power * (1 + 1e-9))
    return math.ceil(most / step - 1e-9) * step, step


def legend_of(entries, y):
    """The legend and how many lines it takes. Entries: (tone, words); beside tones there are "aim", "bound" and "spread"."""
    out, x, lines = [], MARGIN, 1
    for tone, words in entries:
        if x + 21 + width_of(words) > WIDTH - MARGIN:
            x, y, lines = MARGIN, y + LEGEND_LINE, lines + 1
        if tone in ("aim", "bound"):
            out.append(mark(tone, x + 7, y - 12, 16))
        elif tone == "spread":
            out.append(f'<path d="M{x} {y - 4}H{x + 14}M{x} {y - 8}v8M{x + 14} {y - 8}v8" class="s-text" stroke-width="1.5"/>')
        else:
            out.append(f'<rect x="{x}" y="{y - 11}" width="14" height="14" rx="2" class="{tone}"/>')
        out.append(text(x + 21, y, words, "muted"))
        x += 21 + width_of(words) + 20
    return "".join(out), lines


def height_of(section):
    return HEADING + sum(len(g.rows) * (BAR + GAP) - GAP + GROUP_GAP for g in section.groups)


def chart(title, subtitle, columns, sections, legend):
    """One SVG document. `columns` share the width; a row has a cell for each."""
    share = (WIDTH - 2 * MARGIN - LABELS - GUTTER * (len(columns) - 1)) / len(columns)
    for index, column in enumerate(columns):
        column.x, column.width = MARGIN + LABELS + index * (share + GUTTER), share
    legend, lines = legend_of(legend, 88)
    out = [text(MARGIN, 38, title, "text title"), text(MARGIN, 60, subtitle, "muted"), legend]
    y = 82 + LEGEND_LINE * lines
    bottom = y + sum(height_of(section) for section in sections)
    for section in sections:
        out += [text(MARGIN, y + 18, section.heading, "text strong"), text(MARGIN + LABELS, y + 18, section.detail, "muted small")]
        top = y + HEADING - 14
        end = y + height_of(section) - 4
        for column in columns:
            for step in range(int(column.top / column.step + 1e-9) + 1):
                x = column.at(step * column.step)
                out.append(line(x, top, x, end, "border"))
                if section is sections[-1]:
                    out.append(text(x, end + 17, column.ticks.format(step * column.step), "muted small", "middle"))
            if section is sections[-1]:
                out.append(text(column.x + column.width / 2, end + 38, column.label, "text", "middle"))
        y += HEADING
        for group in section.groups:
            out.append(text(MARGIN, y + 13.5, group.label, "text"))
            for row in group.rows:
                out.append(text(MARGIN + LABELS - 8, y + 13.5, row.label, "muted", "end"))
                out += [cell(column, row.tone, y, values) for column, values in zip(columns, row.cells)]
                y += BAR + GAP
            y += GROUP_GAP - GAP
        for column in columns:
            if column.line is not None:
                out.append(line(column.at(column.line), top, column.at(column.line), end, "text", 'stroke-dasharray="4 3"'))
    height = bottom + AXIS
    body = "\n".join(out)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
            f'aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n{style()}\n'
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" class="card"/>'
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" class="s-border"/>\n{body}\n</svg>\n')
