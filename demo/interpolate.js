// Moves through the frames of the strip; they are all here already, so nothing asks the server.
const still = matchMedia("(prefers-reduced-motion: reduce)");
let share = 0; // where we stand between A and B; kept when another strip arrives
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
  slider.value = index;
  slider.setAttribute("aria-valuetext", `step ${index + 1} of ${last + 1}`);
  root.querySelector(".play").textContent = playing ? "Pause" : "Play";
  root.querySelectorAll(".strip .frame").forEach((cell, i) => cell.toggleAttribute("data-here", i === index));
  const strip = root.querySelector(".strip");
  const cell = strip.children[index];
  const hidden = cell.offsetLeft < strip.scrollLeft || cell.offsetLeft + cell.offsetWidth > strip.scrollLeft + strip.clientWidth;
  if (hidden) strip.scrollLeft = cell.offsetLeft - strip.clientWidth / 2;
}

function tick(now) {
  if (!element.isConnected) return;
  const root = way();
  if (playing && root && element.offsetParent && now - previous >= 80) {
    previous = now;
    share += direction / Number(root.dataset.last);
    if (share >= 1 || share <= 0) {
      share = Math.min(1, Math.max(0, share));
      direction = -direction;
      previous += 320; // rest at the ends, as the GIF does
    }
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
