// How it learned: plays the film of the training, one picture for each epoch, and shows the pictures that Python's HTML
// names. A picture is white on black; as a mask it has the colour of the text.

import { button, make, shape } from "./glyphs.js";

const PACE = 160; // milliseconds
const WIDTH = 302, HEIGHT = 92; // of a frame of the film, in pixels; the frames lie below each other
const still = matchMedia("(prefers-reduced-motion: reduce)");

// Return a picture of one frame. The mask is SVG's: WebKit ignores a mask of CSS as long as the whole film.
function stageOf(frames) {
  const box = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  const mask = shape("mask", { id: "film", maskUnits: "userSpaceOnUse", ...box }), svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
  mask.append(frames);
  svg.append(mask, shape("rect", { ...box, fill: "currentColor", mask: "url(#film)" }));
  return svg;
}

export function mount(element, server, watch) {
  let film = null, frames = null, epochs = [], guesses = [], at = 0, playing = false, timer = 0;
  const play = button("Play", {}, "play"), note = make("p", { className: "note" });
  const slider = make("input", { type: "range", className: "position", min: 0, step: 1, ariaLabel: "epoch" });
  note.setAttribute("aria-hidden", "true"); // the slider says the same

  // What the critic said of the forger's digits and of real ones on average, in the epoch that is shown.
  function guess() {
    if (!guesses[at]) return "";
    const [forged, real] = guesses[at].map((share) => share.toFixed(2));
    return `. Critic: these ${forged}, real digits ${real}`;
  }

  function show() {
    frames.setAttribute("y", -at * HEIGHT);
    slider.value = at;
    slider.ariaValueText = note.textContent = `epoch ${epochs[at]} of ${epochs.at(-1)}${guess()}`;
    play.textContent = playing ? "Pause" : "Play";
    clearTimeout(timer);
    if (playing) timer = setTimeout(step, PACE);
  }

  function step() {
    if (element.offsetParent && !document.hidden) at += 1; // not while another tab is open
    playing = at < epochs.length - 1;
    show();
  }

  function begin() {
    clearTimeout(timer);
    const address = ({ dataset }) => new URL(dataset.picture, demo.base).href;
    const copies = element.querySelector(".copies");
    copies?.style.setProperty("--picture", `url("${address(copies)}")`);
    film = element.querySelector(".film");
    if (!film) return;
    epochs = JSON.parse(film.dataset.epochs);
    guesses = JSON.parse(film.dataset.guesses);
    frames = shape("image", { href: address(film), width: WIDTH, height: HEIGHT * epochs.length, preserveAspectRatio: "none" });
    film.querySelector(".stage").replaceChildren(stageOf(frames));
    slider.max = epochs.length - 1;
    at = 0;
    playing = !still.matches && epochs.length > 1;
    film.append(make("div", { className: "transport" }, play, slider), note);
    show();
  }

  play.addEventListener("click", () => {
    playing = !playing;
    if (playing && at >= epochs.length - 1) at = 0;
    show();
  });
  slider.addEventListener("input", () => {
    playing = false;
    at = Number(slider.value);
    show();
  });
  still.addEventListener("change", () => {
    playing &&= !still.matches;
    if (film) show();
  });
  watch("value", begin);
  begin();
}
