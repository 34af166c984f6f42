// Files that are made in the browser: what one sees as SVG or PNG, and its exact pixels.
//
// A drawing is {name, title, width, height, glyphs: [{x, y, ink, pixels}], lines: [{points, width}]}, in pixels of a
// digit's 28x28. name: of the file; title: says how it was made; lines: the signs between digits.

import { UNITS } from "../engine/ink.js";
import { shape } from "./glyphs.js";

const PAPER = "#fbf8f0", INK = "#211f1b";
const LONG = 2000, MOST = 40; // pixels of the longer side of a PNG; pixels to one of a digit's, at most
const SIDE = 28;

// Save bytes or a text under a name.
export function save(name, content, type) {
  const uri = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = Object.assign(document.createElement("a"), { download: name, href: uri });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(uri), 60_000);
}

// Return a drawing as the text of an SVG file.
export function toSvg({ name, title = name, width, height, glyphs, lines = [] }) {
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width: width * 10, height: height * 10, fill: INK, color: INK });
  svg.append(shape("title"));
  svg.firstChild.textContent = title;
  for (const { x, y, ink } of glyphs) {
    svg.append(shape("path", { transform: `translate(${x - 2} ${y - 2}) scale(${1 / UNITS})`, d: ink.path }));
  }
  svg.append(...lines.map(strokeOf));
  return new XMLSerializer().serializeToString(svg);
}

// Return a sign as a line with round ends; a line of one point is a dot.
export function strokeOf({ points, width }) {
  const d = `M${points.map((point) => point.join(" ")).join("L")}${points.length === 1 ? "h0" : ""}`;
  return shape("path", { d, fill: "none", stroke: "currentColor", "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" });
}

function paint(context, { glyphs, lines = [] }, scale) {
  for (const { x, y, ink, pixels } of glyphs) {
    if (demo.state.exact) {
      context.setTransform(scale, 0, 0, scale, x * scale, y * scale);
      pixels.forEach((level, i) => {
        context.globalAlpha = level / 255;
        if (level) context.fillRect(i % SIDE, Math.floor(i / SIDE), 1, 1);
      });
      context.globalAlpha = 1;
    } else {
      context.setTransform(scale / UNITS, 0, 0, scale / UNITS, (x - 2) * scale, (y - 2) * scale);
      context.fill(ink.path2d);
    }
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.lineCap = context.lineJoin = "round";
  for (const { points, width } of lines) {
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(...points[0]);
    for (const [x, y] of points) context.lineTo(x + 0.001, y); // a line of one point is a dot, too
    context.stroke();
  }
}

function canvasOf(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return { canvas, context: canvas.getContext("2d") };
}

const png = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

// Paint a drawing over a whole canvas, ink on paper or on nothing.
export function paintPaper(canvas, drawing, transparent = false) {
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = PAPER;
  if (!transparent) context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = context.strokeStyle = INK;
  paint(context, drawing, canvas.width / drawing.width);
}

// Return a drawing as a large PNG, ink (or exact pixels, where the page shows those) on paper or on nothing.
export async function toPng(drawing, transparent = false) {
  const most = Math.min(MOST, LONG / Math.max(drawing.width, drawing.height));
  const scale = demo.state.exact && most > 1 ? Math.floor(most) : most; // else there were seams between pixels
  const { canvas } = canvasOf(Math.round(drawing.width * scale), Math.round(drawing.height * scale));
  paintPaper(canvas, drawing, transparent);
  return png(canvas);
}

// Return a drawing's exact pixels as a PNG, white on black: one pixel is one of the network's.
export async function toPixels({ width, height, glyphs, lines = [] }) {
  const { canvas, context } = canvasOf(width, height);
  context.fillRect(0, 0, width, height);
  context.strokeStyle = "#fff";
  paint(context, { glyphs: [], lines }, 1);
  const image = context.getImageData(0, 0, width, height);
  for (const { x, y, pixels } of glyphs) {
    pixels.forEach((level, i) => {
      const column = x + (i % SIDE), line = y + Math.floor(i / SIDE);
      if (!level || column < 0 || column >= width || line < 0 || line >= height) return;
      const at = 4 * (line * width + column);
      for (let channel = 0; channel < 3; channel++) image.data[at + channel] = Math.max(image.data[at + channel], level);
    });
  }
  context.putImageData(image, 0, 0);
  return png(canvas);
}

// Return the drawing of digits {ink, pixels} in a grid, with a gap in pixels around each.
export function sheetOf(name, glyphs, columns, gap = 2) {
  const cell = SIDE + gap, across = Math.min(columns, glyphs.length);
  return {
    name,
    width: gap + across * cell,
    height: gap + Math.ceil(glyphs.length / columns) * cell,
    glyphs: glyphs.map(({ ink, pixels }, i) =>
      ({ x: gap + (i % columns) * cell, y: gap + Math.floor(i / columns) * cell, ink, pixels })),
  };
}
