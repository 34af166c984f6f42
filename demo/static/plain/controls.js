// The page of plain files: plain form elements in place of Gradio's components, and what Gradio's server does there.
// demo/plain_html.py makes the elements; each has the id that the page's description names.

import dcgan from "../engine/index.js";
import { modelOf } from "../views/page.js";

const controls = new Map(demo.page.controls.filter(({ id }) => id).map((control) => [control.id, control]));
const PAUSE = 2000; // milliseconds from the first drawing to the files for later
const root = document.documentElement;
const tabs = [...document.querySelectorAll("#tabs > [role=tablist] > [role=tab]")];
const kept = new Set(); // names of models
const watchers = new Map(); // by the id of a view: what it does when its HTML is another one

// --- values ---

const inputOf = (element) => element.querySelector("input, textarea");

function read(element, { kind }) {
  if (kind === "choice") return element.querySelector(":checked").value;
  const input = inputOf(element);
  if (kind === "check") return input.checked;
  if (kind === "text") return input.value;
  return Number.isNaN(input.valueAsNumber) ? null : input.valueAsNumber;
}

function show(element, { kind }, value) {
  const input = inputOf(element);
  if (kind === "choice") {
    for (const option of element.querySelectorAll("input")) option.checked = option.value === value;
  } else if (kind === "check") input.checked = value;
  else if (input !== document.activeElement || read(element, { kind }) !== value) input.value = value ?? "";
  tell(element, { kind });
}

// Show a slider's value beside its name, and as many lines of a text as it has.
function tell(element, { kind }) {
  if (kind === "slider") element.querySelector("output").value = inputOf(element).valueAsNumber;
  if (kind === "text") inputOf(element).rows = inputOf(element).value.split("\n").length;
}

addEventListener("input", ({ target }) => {
  const element = target.closest(".block[id]"), control = controls.get(element?.id);
  if (!control) return;
  tell(element, control);
  demo.changed([control.key], read(element, control));
  followModel();
});

// --- tabs ---

const watch = (element) => (_, changed) => watchers.set(element.id, changed);

// Mount the views that are shown: those of the open tab, and the bar above the tabs.
function mount() {
  for (const element of document.querySelectorAll('[id^="view-"]:not([data-mounted])')) {
    const panel = element.closest(".tabitem");
    if (panel && panel.id !== `tab-${demo.state.tab}`) continue;
    element.dataset.mounted = "";
    demo.mount(element.id.replace("view-", ""), element, null, watch(element));
  }
}

function open(name) {
  root.dataset.tab = name;
  for (const tab of tabs) tab.ariaSelected = String(tab.dataset.tabId === name);
  mount();
  followModel();
}

addEventListener("click", ({ target }) => {
  const tab = target.closest?.("#tabs > [role=tablist] > [role=tab]");
  if (tab) open(tab.dataset.tabId);
});

// state.js presses this button when values change that are not the visitor's own doing.
function restore() {
  for (const [id, control] of controls) show(document.getElementById(id), control, demo.state[control.key]);
  open(demo.state.tab);
}
document.querySelector("#restore").addEventListener("click", restore);

// --- How it learned ---

let told = null; // the address of what is shown

async function tellStory() {
  const { story } = modelOf(demo.state.model)?.files ?? {};
  if (demo.state.tab !== "learned" || !story || told === story) return;
  told = story;
  const element = document.querySelector("#view-learned");
  try {
    const { film, numbers } = await (await demo.fetch(demo.base + story)).json();
    if (told !== story) return;
    element.innerHTML = film; // our own, from `story_of` in demo/plain_page.py
    document.querySelector("#numbers").innerHTML = numbers;
    watchers.get("view-learned")?.();
  } catch {
    told = null; // the next visit of the tab tries again
    element.querySelector(".frame").textContent = "The film could not be fetched: check the connection and open the tab again.";
  }
}

// --- without a connection ---

// Keep the files of the page and, of the model in use, all weights: when it draws and nothing else is on its way.
async function keep(model) {
  if (kept.has(model) || navigator.connection?.saveData) return;
  kept.add(model);
  await dcgan.load(model);
  await new Promise((done) => setTimeout(done, PAUSE));
  await navigator.serviceWorker?.register("./worker.js"); // some private windows refuse it
  await dcgan.keep(model);
}

// Do what Gradio's server does when another model is chosen.
function followModel() {
  tellStory();
  keep(demo.state.model).catch(() => kept.delete(demo.state.model)); // tried again later
}

restore();
