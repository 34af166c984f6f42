// The sheet to draw on. Strokes are kept as points, to undo them and to redraw them in other colours.

import { normaliseDrawing } from "../engine/drawing.js";
import dcgan from "../engine/index.js";

const SIDE = 280, PEN = 22, SMALL = 112;

// Make the sheet in an element with a canvas and the buttons .undo and .clear. changed(moving): called when there is
// another drawing; moving: the pen is still down. Return {read, show}.
export function mountPad(element, changed) {
  const canvas = element.querySelector("canvas"), small = new OffscreenCanvas(SMALL, SMALL);
  const pen = { at: [140, 60], down: false, shown: false };
  let under = null; // the drawing of a link, an `Ink`
  let strokes = [], stroke = null, cleared = null; // cleared: what `undo` brings back

  function paint(target, colour) {
    const brush = target.getContext("2d", { willReadFrequently: target === small }), scale = target.width / SIDE;
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.clearRect(0, 0, target.width, target.height);
    Object.assign(brush, { strokeStyle: colour, fillStyle: colour, lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    if (under) {
      const [left, top, width] = dcgan.VIEW_BOX.split(" ").map(Number), size = target.width / width;
      brush.setTransform(size, 0, 0, size, -left * size, -top * size);
      brush.fill(under.path2d, "evenodd");
    }
    brush.setTransform(scale, 0, 0, scale, 0, 0);
    for (const points of strokes) {
      brush.beginPath();
      brush.moveTo(...points[0]);
      for (const [x, y] of points) brush.lineTo(x + 0.01, y); // a tap is a dot, too
      brush.stroke();
    }
    return brush;
  }

  function draw() {
    const side = Math.round(canvas.clientWidth * devicePixelRatio) || SIDE;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const brush = paint(canvas, getComputedStyle(canvas).color);
    if (!pen.shown) return;
    brush.lineWidth = 2;
    brush.beginPath();
    brush.arc(...pen.at, pen.down ? 6 : 11, 0, 7);
    brush.stroke();
  }

  function change(moving) {
    draw();
    changed(moving);
  }

  function clear() {
    if (strokes.length || under) cleared = { strokes, under };
    [strokes, stroke, under, pen.down] = [[], null, null, false];
  }

  let held; // the pointer that draws
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (stroke || !event.isPrimary || event.button) return; // a second finger, a palm, another button of the mouse
    event.preventDefault();
    canvas.setPointerCapture((held = event.pointerId));
    pen.shown = false;
    strokes.push((stroke = [place(event)]));
    change(true);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke || event.pointerId !== held) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.push(place(one));
    change(true);
  });
  const lift = (event) => {
    if (!stroke || event.pointerId !== held) return;
    stroke = null;
    change(false);
  };
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(end, lift);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [0, -10], ArrowDown: [0, 10], ArrowLeft: [-10, 0], ArrowRight: [10, 0] }[event.key];
    if (step) {
      pen.at = pen.at.map((value, i) => Math.min(268, Math.max(12, value + step[i])));
      if (pen.down) strokes.at(-1).push([...pen.at]);
    } else if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) strokes.push([[...pen.at]]);
    } else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
    pen.shown = true;
    if (step && !pen.down) draw();
    else change(pen.down);
  });
  canvas.addEventListener("blur", () => {
    pen.shown = false;
    draw();
  });
  element.querySelector(".clear").addEventListener("click", () => {
    clear();
    change(false);
  });
  element.querySelector(".undo").addEventListener("click", () => {
    if (!strokes.length && !under && cleared) ({ strokes, under } = cleared);
    else if (!strokes.pop()) under = null;
    pen.down = false;
    change(false);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(draw, 200));
  new ResizeObserver(draw).observe(canvas);

  return {
    // Return the drawing as `normaliseDrawing` in the engine does, null of an empty sheet.
    read() {
      if (!strokes.length && !under) return null;
      const { data } = paint(small, "#fff").getImageData(0, 0, SMALL, SMALL);
      return normaliseDrawing(Uint8Array.from({ length: SMALL ** 2 }, (_, i) => data[4 * i + 3]), SMALL); // alpha is ink
    },
    // Show 28x28 pixels in place of what was drawn; null is an empty sheet.
    show(pixels) {
      clear();
      cleared = null;
      under = pixels && dcgan.ink(pixels);
      draw();
    },
  };
}
