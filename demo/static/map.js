// The place on the map under the pointer. All pictures are already in the browser.
const map = () => element.querySelector(".map");
let place = null; // [row, column]; kept when another map arrives
let staying = false;

function show() {
  const root = map();
  if (!root) return;
  const size = Number(root.dataset.size);
  place ??= [(size - 1) / 2, (size - 1) / 2];
  const [row, column] = place;
  const under = root.querySelector(".under");
  const index = row * size + column;
  const code = JSON.parse(root.dataset.codes)[index];
  under.dataset.hand = code;
  under.dataset.digit = code.slice(1, code.indexOf("."));
  root.style.setProperty("--row", row);
  root.style.setProperty("--column", column);
  const field = root.querySelector(".field");
  field.setAttribute("aria-valuenow", index + 1);
  field.setAttribute("aria-valuetext", `row ${row + 1}, column ${column + 1}`);
}

function follow(event) {
  const field = element.querySelector(".field");
  const box = field.getBoundingClientRect();
  const size = Number(map().dataset.size);
  const cell = (at, from, length) => Math.min(size - 1, Math.max(0, Math.floor(((at - from) / length) * size)));
  place = [cell(event.clientY, box.top, box.height), cell(event.clientX, box.left, box.width)];
  show();
}

element.addEventListener("pointermove", (event) => {
  if (event.target.closest(".field") && (!staying || event.buttons)) follow(event);
});
element.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".field")) return;
  staying = event.pointerType !== "mouse" || !staying;
  follow(event);
});
element.addEventListener("keydown", (event) => {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!step || !event.target.matches(".field")) return;
  event.preventDefault();
  staying = true;
  const last = Number(map().dataset.size) - 1;
  place = place.map((at, i) => Math.min(last, Math.max(0, at + step[i])));
  show();
});
watch("value", show);
show();
