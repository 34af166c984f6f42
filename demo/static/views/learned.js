// How it learned: plays the film of the training, one picture for each epoch, and shows the pictures that Python's HTML
// names. A picture is white on black; as a mask it has the colour of the text.

import { button, make } from "./glyphs.js";

const PACE = 160; // milliseconds
const still = matchMedia("(prefers-reduced-motion: reduce)");

export function mount(element, server, watch) {
  let film = null, epochs = [], guesses = [], at = 0, playing = false, timer = 0;
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
    film.style.setProperty("--at", at / Math.max(epochs.length - 1, 1));
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
    for (const one of element.querySelectorAll("[data-picture]")) {
      one.style.setProperty("--picture", `url("${new URL(one.dataset.picture, demo.base)}")`);
    }
    film = element.querySelector(".film");
    if (!film) return;
    epochs = JSON.parse(film.dataset.epochs);
    guesses = JSON.parse(film.dataset.guesses);
    film.style.setProperty("--frames", epochs.length);
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
