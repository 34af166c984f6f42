// The Training tab: plays the pictures of the training, one for each epoch. Python sends them as one tall picture.

import { button, make } from "./glyphs.js";

const PACE = 160; // milliseconds
const still = matchMedia("(prefers-reduced-motion: reduce)");

export function mount(element, server, watch) {
  let film = null, epochs = [], at = 0, playing = false, timer = 0;
  const play = button("Play", {}, "play"), note = make("p", { className: "note" });
  const slider = make("input", { type: "range", className: "position", min: 0, step: 1, ariaLabel: "epoch" });
  note.setAttribute("aria-hidden", "true"); // the slider says the same

  function show() {
    film.style.setProperty("--at", at / Math.max(epochs.length - 1, 1));
    slider.value = at;
    slider.ariaValueText = note.textContent = `epoch ${epochs[at]} of ${epochs.at(-1)}`;
    play.textContent = playing ? "Pause" : "Play";
    clearTimeout(timer);
    if (playing) timer = setTimeout(step, PACE);
  }

  function step() {
    if (element.offsetParent) at += 1; // not while another tab is open
    playing = at < epochs.length - 1;
    show();
  }

  function begin() {
    clearTimeout(timer);
    film = element.querySelector(".film");
    if (!film) return;
    epochs = JSON.parse(film.dataset.epochs);
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
