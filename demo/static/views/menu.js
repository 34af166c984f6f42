// The menu Save: what the open tab shows, and the current handwriting.
//
// A view says what can be saved of it:
//
// title: the name of what is shown, for example "The wall". drawing(): what is shown, as save.js describes it.
// moving, extra: further files, {kind: text}; those of `extra` are under *More*.
// file(kind, tell): a promise of such a file, {name, content}. The content is a Blob or a text. tell(text) says on the
// button how far it is.

import dcgan from "../engine/index.js";
import { make } from "./glyphs.js";
import { modelOf, openView } from "./page.js";
import { save, toPixels, toPng, toSvg } from "./save.js";

const DRAWN = { svg: "SVG", png: "PNG", transparent: "PNG, transparent" };
const PAUSE = 400; // milliseconds in which a second click saves nothing
const SIDE = { pixels: "Exact 28×28 pixels (PNG)" };

const OWN = {
  svg: (drawing) => ({ name: `${drawing.name}.svg`, content: new Blob([toSvg(drawing)], { type: "image/svg+xml" }) }),
  png: async (drawing) => ({ name: `${drawing.name}.png`, content: await toPng(drawing) }),
  transparent: async (drawing) => ({ name: `${drawing.name}_transparent.png`, content: await toPng(drawing, true) }),
  pixels: async (drawing) => ({ name: `${drawing.name}_pixels.png`, content: await toPixels(drawing) }),
};

// Return a file that the server makes, {name, content}.
export async function fromServer(server, request) {
  const answer = await server.encode(JSON.stringify({ model: demo.state.model, ...request }));
  if (!answer) throw new Error(); // no connection
  if (answer.error) throw new Error(answer.error);
  return { name: answer.name, content: await (await fetch(answer.uri)).blob() };
}

async function fileOf(view, kind, tell) {
  await dcgan.scheduler.settled();
  if (!OWN[kind]) return view.file(kind, tell);
  const drawing = view.drawing(), { made } = modelOf(demo.state.model);
  return OWN[kind]({ ...drawing, title: `${drawing.title ?? drawing.name} (${made})` });
}

async function press(pressed, view, kind) {
  const text = pressed.textContent;
  pressed.disabled = true;
  try {
    const { name, content } = await fileOf(view, kind, (told) => (pressed.textContent = told));
    save(name, content);
    pressed.textContent = text;
    await new Promise((done) => setTimeout(done, PAUSE));
  } catch (error) {
    pressed.textContent = error.message || "No answer from the server: try again";
    setTimeout(() => (pressed.textContent = text), 3000);
  }
  pressed.disabled = false;
  if (document.activeElement === document.body) pressed.focus(); // a disabled button has lost it
}

// Return buttons that save files of a view. kinds: {kind: text}
function buttons(view, kinds) {
  return Object.entries(kinds).map(([kind, text]) => {
    const made = make("button", { type: "button", textContent: text, dataset: { save: kind } });
    made.addEventListener("click", () => press(made, view, kind));
    return made;
  });
}

function group(view, kinds) {
  return make("div", { className: "group", role: "group", ariaLabel: view.title }, make("p", {}, view.title), ...buttons(view, kinds));
}

// Return whether a view has a drawing: not while its network is missing or a field is wrong.
function canBeSaved(view) {
  try {
    return Boolean(view?.drawing?.());
  } catch (error) {
    if (!(error instanceof dcgan.InputError)) throw error;
    return false;
  }
}

// Return the menu. hand: a function that returns the view of the current handwriting.
export function menu(hand) {
  const list = make("div", { className: "list" });
  const element = make("details", { className: "save" }, make("summary", {}, "Save"), list);
  element.addEventListener("toggle", () => {
    if (!element.open) return;
    const views = [openView(), hand()].filter(canBeSaved), [first] = views;
    const groups = views.map((view) => group(view, { ...DRAWN, ...view.moving }));
    if (first) groups.push(make("details", { className: "more" }, make("summary", {}, "More"), ...buttons(first, { ...SIDE, ...first.extra })));
    list.replaceChildren(...(first ? groups : [make("p", {}, "Nothing is drawn yet.")]));
  });
  element.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], all = [...element.querySelectorAll("button, summary")].filter((one) => one.checkVisibility());
    if (!step || !element.open) return;
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus({ focusVisible: true });
  });
  const close = () => { element.open = false; };
  addEventListener("pointerdown", ({ target }) => element.contains(target) || close());
  addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !element.open) return;
    close();
    element.firstElementChild.focus();
  });
  return element;
}
