# SPDX-License-Identifier: Apache-2.0
"""A line plot with logarithmic axes as an SVG file."""
import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 70, 150, 50, 50
COLOURS = {"vigil": "#1b6ef3", "prometheus": "#e6522c", "victoria": "#621773"}


def decades(low, high):
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0 ** e for e in range(first, max(last, first + 1) + 1)]


def label(value):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g} {unit}"
    return f"{value:g}"


def lines(path, title, xs, series, axis="series"):
    """series: name -> values, one per x; all above zero. `axis`: what x counts."""
    values = [max(v, 1e-3) for line in series.values() for v in line]
    x_ticks, y_ticks = decades(min(xs), max(xs)), decades(min(values), max(values))

    def place(x, y):
        across = math.log10(x / x_ticks[0]) / math.log10(x_ticks[-1] / x_ticks[0])
        up = math.log10(max(y, 1e-3) / y_ticks[0]) / math.log10(y_ticks[-1] / y_ticks[0])
        return (LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up *
                (HEIGHT - TOP - BOTTOM))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{LEFT}" y="24" font-size="15">{title}</text>']
    for x in x_ticks:
        px, _ = place(x, y_ticks[0])
        out.append(f'<line x1="{px:.1f}" y1="{TOP}" x2="{px:.1f}" y2="{HEIGHT - BOTTOM}" '
                   'stroke="#ddd"/>')
        out.append(f'<text x="{px:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
                   f'{label(x)}</text>')
    for y in y_ticks:
        _, py = place(x_ticks[0], y)
        out.append(f'<line x1="{LEFT}" y1="{py:.1f}" x2="{WIDTH - RIGHT}" y2="{py:.1f}" '
                   'stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{py + 4:.1f}" text-anchor="end">{label(y)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">'
               f'{axis}</text>')
    for row, (name, line) in enumerate(series.items()):
        colour = COLOURS.get(name, "#444")
        points = [place(x, y) for x, y in zip(xs, line)]
        joined = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        out.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>'
                for px, py in points]
        out.append(f'<text x="{WIDTH - RIGHT + 12}" y="{TOP + 18 * row + 6}" fill="{colour}">'
                   f'{name}</text>')
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")
