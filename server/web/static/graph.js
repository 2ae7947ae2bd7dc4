// Draws the matrix of a range query as lines in an SVG.
"use strict";

const palette = ["#1f6feb", "#d9730d", "#1a7f4b", "#a63fb5", "#c0362c", "#0e8a8a", "#8a6d00", "#5b5fc7", "#b0487a", "#4d7c0f"];

function seriesName(metric) {
  const labels = Object.entries(metric).filter(([name]) => name !== "__name__")
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ");
  const name = metric.__name__ || "";
  return labels ? `${name}{${labels}}` : name || "{}";
}

// A step of 1, 2 or 5 times a power of ten that gives about `wanted` ticks.
function niceStep(span, wanted) {
  const raw = span / wanted, power = Math.pow(10, Math.floor(Math.log10(raw)));
  return [1, 2, 5, 10].map(f => f * power).find(s => s >= raw);
}

function shortNumber(v) {
  const a = Math.abs(v);
  if (a !== 0 && a < 1e-3) return v.toExponential(1);
  for (const [unit, size] of [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (a >= size) return +(v / size).toPrecision(4) + unit;
  }
  return String(+v.toPrecision(4));
}

function svgNode(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  return node;
}

function drawGraph(target, matrix, start, end, step) {
  const width = 1200, height = 420, left = 64, right = 12, top = 14, bottom = 28;
  let low = Infinity, high = -Infinity;
  for (const series of matrix) for (const [, text] of series.values) {
    const v = parseFloat(text);
    if (isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  }
  if (low > high) { low = 0; high = 1; }
  if (low === high) { low -= Math.abs(low) * 0.1 || 1; high += Math.abs(high) * 0.1 || 1; }
  const x = t => left + (t - start) / (end - start) * (width - left - right);
  const y = v => top + (high - v) / (high - low) * (height - top - bottom);
  const svg = svgNode("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" });

  const vStep = niceStep(high - low, 6);
  for (let v = Math.ceil(low / vStep) * vStep; v <= high; v += vStep) {
    svg.append(svgNode("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }));
    svg.append(svgNode("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, shortNumber(v)));
  }
  for (let i = 0; i <= 6; i++) {
    const t = start + (end - start) * i / 6;
    const when = new Date(t * 1000);
    const label = end - start > 86400 ? when.toLocaleDateString() : when.toLocaleTimeString();
    svg.append(svgNode("text", { x: x(t), y: height - 8, "text-anchor": i === 0 ? "start" : i === 6 ? "end" : "middle" }, label));
  }
  const legend = document.createElement("div");
  legend.className = "legend";
  matrix.forEach((series, index) => {
    const colour = palette[index % palette.length];
    let path = "", previous = null;
    for (const [t, text] of series.values) {
      const v = parseFloat(text);
      if (!isFinite(v)) { previous = null; continue; }
      // A gap of more than a step and a half is a gap in the line.
      path += (previous === null || t - previous > step * 1.5 ? "M" : "L") + x(t).toFixed(1) + " " + y(v).toFixed(1);
      previous = t;
    }
    const line = svgNode("path", { d: path, fill: "none", stroke: colour, "stroke-width": 1.5, "vector-effect": "non-scaling-stroke", "stroke-linecap": "round" });
    line.append(svgNode("title", {}, seriesName(series.metric)));
    svg.append(line);
    const entry = document.createElement("div");
    const swatch = document.createElement("i");
    swatch.style.background = colour;
    entry.append(swatch, seriesName(series.metric));
    legend.append(entry);
  });
  target.replaceChildren(svg, legend);
}
