// The beginning of every component's script: buttons with data attributes.
const save = (name, uri) => {
  const link = Object.assign(document.createElement("a"), { download: name, href: uri });
  document.body.append(link);
  link.click();
  link.remove();
};
// A button with data-encode asks the server to make a file, and saves it.
element.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-encode]");
  if (!button || button.disabled) return;
  const text = button.textContent;
  button.disabled = true;
  button.textContent = "making the file …";
  try {
    const { name, uri, error } = await server.encode(button.dataset.encode);
    if (uri) save(name, uri);
    button.textContent = error || text;
  } catch {
    button.textContent = "no answer from the server: try again";
  }
  if (button.textContent !== text) setTimeout(() => (button.textContent = text), 5000);
  button.disabled = false;
});
// A button with data-send sends a hand to another tab.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-send]");
  const source = button && button.closest("[data-hand]");
  if (source) trigger("send", { target: button.dataset.send, hand: source.dataset.hand, digit: source.dataset.digit || "" });
});
// A button with data-copy copies a text to the clipboard.
element.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "copied";
  } catch {
    window.prompt("Copy this code", button.dataset.copy);
  }
  setTimeout(() => (button.textContent = text), 1500);
});
