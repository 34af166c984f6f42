// The cards of the key frames. Their changes are written into the text field that the server reads.
const cards = () => [...element.querySelectorAll(".key")];
const read = (card) => {
  const digit = card.querySelector("select");
  return card.querySelector("input").value.trim() + (digit && digit.value !== "any" ? `:${digit.value}` : "");
};
const edit = (words) => trigger("edit", { keys: words.join(" ") });

element.addEventListener("change", (event) => {
  if (event.target.closest(".key")) edit(cards().map(read));
});
element.addEventListener("click", (event) => {
  const words = cards().map(read);
  const card = event.target.closest(".key");
  const at = cards().indexOf(card);
  if (event.target.closest(".dice")) words[at] = words[at].replace(/^[^:]*/, demo.rollHand());
  else if (event.target.closest(".remove")) words.splice(at, 1);
  else if (event.target.closest(".add")) words.push(demo.rollHand());
  else return;
  edit(words);
});
// Gradio updates the cards in place, and a field would keep the value of the previous card.
watch("value", () => {
  for (const card of cards()) {
    for (const option of card.querySelectorAll("option")) option.selected = option.defaultSelected;
    const seed = card.querySelector("input");
    if (seed !== document.activeElement) seed.value = seed.defaultValue;
  }
});
