// The sheet to draw on. Strokes are kept as points, to undo them and to redraw them in other colours.
export function mount(element, server, trigger) {
  const canvas = element.querySelector("canvas");
  const pen = { at: [140, 60], down: false, shown: false };
  let strokes = [];
  let stroke = null;
  let waiting = 0;

  function draw(target, size, colour, width) {
    const paint = target.getContext("2d");
    paint.setTransform(1, 0, 0, 1, 0, 0);
    paint.clearRect(0, 0, size, size);
    paint.scale(size / 280, size / 280);
    Object.assign(paint, { strokeStyle: colour, fillStyle: colour, lineWidth: width, lineCap: "round", lineJoin: "round" });
    for (const points of strokes) {
      paint.beginPath();
      paint.moveTo(...points[0]);
      for (const point of points) paint.lineTo(...point);
      paint.stroke();
    }
  }

  function show() {
    const colour = getComputedStyle(canvas).color;
    draw(canvas, 280, colour, 22);
    if (pen.shown) {
      const paint = canvas.getContext("2d");
      paint.lineWidth = 2;
      paint.beginPath();
      paint.arc(...pen.at, pen.down ? 6 : 11, 0, 7);
      paint.stroke();
    }
  }

  function send() {
    const small = Object.assign(document.createElement("canvas"), { width: 112, height: 112 });
    draw(small, 112, "#fff", 22);
    const { data } = small.getContext("2d").getImageData(0, 0, 112, 112);
    let text = "";
    for (let i = 3; i < data.length; i += 4) text += String.fromCharCode(data[i]); // the alpha channel is the ink
    trigger("drawn", { pixels: btoa(text) });
  }

  function changed(soon) {
    show();
    clearTimeout(waiting);
    waiting = setTimeout(send, soon ? 0 : 700); // wait for another stroke
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * 280, ((event.clientY - box.top) / box.height) * 280];
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    clearTimeout(waiting);
    pen.shown = false;
    strokes.push((stroke = [place(event)]));
    show();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.push(place(one));
    show();
  });
  const lift = () => {
    if (stroke) changed(false);
    stroke = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [0, -10], ArrowDown: [0, 10], ArrowLeft: [-10, 0], ArrowRight: [10, 0] }[event.key];
    if (step) {
      pen.at = pen.at.map((value, i) => Math.min(268, Math.max(12, value + step[i])));
      if (pen.down) strokes.at(-1).push([...pen.at]);
    } else if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) strokes.push([[...pen.at]]);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      strokes = [];
      pen.down = false;
    } else return;
    event.preventDefault();
    pen.shown = true;
    pen.down && event.key !== " " ? show() : changed(false);
  });
  element.querySelector(".clear").addEventListener("click", () => ((strokes = []), changed(true)));
  element.querySelector(".undo").addEventListener("click", () => (strokes.pop(), changed(true)));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(show, 200));
  show();
}
