// Plays the frames of a strip. All are already in the browser, so it asks the server for nothing.
const still = matchMedia("(prefers-reduced-motion: reduce)");
let share = 0; // position from 0 to 1; kept when another strip arrives
let direction = 1;
let playing = !still.matches;
let previous = 0;

const way = () => element.querySelector(".way");

function show() {
  const root = way();
  if (!root) return;
  const last = Number(root.dataset.last);
  const index = Math.round(share * last);
  root.querySelector(".stage").style.setProperty("--at", index / last);
  const slider = root.querySelector(".position");
  const cell = root.querySelector(".strip").children[index];
  slider.value = index;
  slider.setAttribute("aria-valuetext", cell.getAttribute("aria-label"));
  root.querySelector(".play").textContent = playing ? "Pause" : "Play";
  root.querySelectorAll(".strip .frame").forEach((one, i) => one.toggleAttribute("data-here", i === index));
  const strip = root.querySelector(".strip");
  const hidden = cell.offsetLeft < strip.scrollLeft || cell.offsetLeft + cell.offsetWidth > strip.scrollLeft + strip.clientWidth;
  if (hidden) strip.scrollLeft = cell.offsetLeft - strip.clientWidth / 2;
  const note = root.querySelector(".note");
  if (note) note.textContent = cell.getAttribute("aria-label");
}

function tick(now) {
  if (!element.isConnected) return;
  const root = way();
  const pace = root ? Number(root.dataset.milliseconds) : 80;
  if (playing && root && element.offsetParent && now - previous >= pace) {
    previous = now;
    const step = 1 / Number(root.dataset.last);
    share += direction * step;
    if (root.dataset.loop === "round") {
      direction = 1;
      if (share > 1 + step / 2) share = 0;
    } else if (share >= 1 || share <= 0) {
      direction = -direction;
      previous += 4 * pace; // rest at the ends, like the downloads
      if (root.dataset.loop === "once" && share >= 1) {
        playing = false;
        direction = 1;
      }
    }
    share = Math.min(1, Math.max(0, share));
    show();
  }
  requestAnimationFrame(tick);
}

function stand(index) {
  playing = false;
  share = index / Number(way().dataset.last);
  show();
}

element.addEventListener("input", (event) => {
  if (event.target.matches(".position")) stand(Number(event.target.value));
});
element.addEventListener("click", (event) => {
  const cell = event.target.closest(".strip .frame");
  if (cell) stand(Number(cell.dataset.index));
  if (event.target.closest(".play")) {
    playing = !playing;
    if (playing && share >= 1 && way().dataset.loop === "once") share = 0;
    show();
  }
});
still.addEventListener("change", () => {
  if (still.matches) playing = false;
  show();
});
watch("value", show);
show();
requestAnimationFrame(tick);
