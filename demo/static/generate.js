// The dialog that shows one digit large. Its data came with the sheet.
let current = 0;
let looking = false;
const picks = () => [...element.querySelectorAll(".pick")];

function look(index) {
  const all = picks();
  current = (index + all.length) % all.length;
  const pick = all[current];
  const dialog = element.querySelector(".inspector");
  const large = dialog.querySelector(".large");
  const { hand, digit, read, real, png } = pick.dataset;
  large.dataset.hand = hand;
  large.dataset.digit = digit;
  large.querySelector(".picture").replaceChildren(pick.querySelector("img").cloneNode());
  const asked = digit === "" ? "" : `<dt>asked for</dt><dd>a ${digit}</dd>`;
  large.querySelector(".about").innerHTML = `<dl><dt>seed</dt><dd>${hand}</dd>${asked}<dt>classifier reads</dt>` +
    `<dd>${read}</dd><dt>discriminator: probability of being real</dt><dd>${real}</dd></dl>`;
  const link = large.querySelector("a.one");
  const model = element.querySelector(".sheet").dataset.model;
  link.href = png;
  link.download = `${model}_seed-${hand}${digit === "" ? "" : `_digit-${digit}`}.png`;
  large.querySelectorAll("[data-digits]").forEach((button) => (button.hidden = digit === ""));
  dialog.classList.toggle("exact", element.querySelector(".sheet").classList.contains("exact"));
  if (!dialog.open) dialog.showModal();
  looking = true;
}

// A redraw closes and empties the dialog. Open it again if the visitor did not close it.
element.addEventListener("close", () => (looking = false), true);
const reopen = () => looking && picks().length && !element.querySelector(".inspector[open]") && look(current);
new MutationObserver(() => setTimeout(reopen, 50)) // after the "close" event, if there is one
  .observe(element, { subtree: true, childList: true, attributes: true, attributeFilter: ["open"] });

element.addEventListener("click", (event) => {
  const pick = event.target.closest(".pick");
  if (pick) look(picks().indexOf(pick));
  const step = event.target.closest("[data-step]");
  if (step) look(current + Number(step.dataset.step));
  const dialog = element.querySelector(".inspector");
  if (event.target === dialog || event.target.closest("[data-send]")) dialog.close(); // a click on the backdrop, or on a button that leaves the tab
});
element.addEventListener("keydown", (event) => {
  if (!element.querySelector(".inspector[open]")) return;
  if (event.key === "ArrowLeft") look(current - 1);
  if (event.key === "ArrowRight") look(current + 1);
});
