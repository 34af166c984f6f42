// The page's state: the value of every control by its key. "write.text" is the control `text` of the tab Write; keys
// without a dot belong to all tabs, for example "hand", the current handwriting; "tab" is the open one.
//
// The address holds the state, so a reload, a lost connection, the back button and a link lose nothing. This script runs
// before Gradio builds the page: it writes the values of the address into Gradio's description of the page, so that a
// link opens on its tab before anything is shown. `demo.page` (from Python) says which controls there are.
window.demo = ((page) => {
  const { controls, shared, views, tabs, old, begin } = page; // as demo/page.py describes them
  const MAX_TEXT = 4096, PAUSE = 250; // characters; milliseconds from a change to the address
  const byKey = new Map(controls.map((control) => [control.key, control]));
  const standard = Object.fromEntries(controls.map(({ key, value }) => [key, value]));
  const read = { // a control's value from the text in a link; undefined if it cannot have it
    text: (text) => (text.length <= MAX_TEXT ? text : undefined),
    check: (text) => (text === "true" ? true : text === "false" ? false : undefined),
    choice: (text, { choices }) => choices.find((choice) => choice === text),
    number: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : undefined),
    slider(text, { minimum, maximum, step }) {
      const value = text.trim() === "" ? NaN : Number(text);
      if (!(value >= minimum && value <= maximum)) return undefined;
      return step < 1 ? value : minimum + Math.round((value - minimum) / step) * step; // a visitor can type a finer one
    },
  };

  const viewOf = (tab) => views.find(({ name }) => name === tab);
  const nameOf = (key) => key.slice(key.indexOf(".") + 1); // of a control in a link

  // Return the state that the address names, and the values in it that no control can have. Links of earlier pages name
  // tabs that are gone: `old` says what they mean now.
  function fromAddress() {
    const query = new URLSearchParams(location.search), state = { ...standard, tab: views[0].name }, wrong = [];
    const asked = query.get("tab") ?? views[0].name, before = Object.hasOwn(old, asked) ? old[asked] : {};
    const view = viewOf(before.tab ?? asked);
    for (const [name, now] of Object.entries(before.names ?? {})) if (query.has(name)) query.set(now, query.get(name));
    if (![...query.keys()].some((name) => !name.startsWith("__"))) return { state: { ...state, ...begin }, wrong };
    if (view) Object.assign(state, before.values, { tab: view.name });
    else wrong.push(`tab=${asked.slice(0, 40)}`);
    for (const key of view ? [...shared, ...view.keys] : []) {
      const name = nameOf(key), text = query.get(name);
      if (text === null) continue;
      const value = read[byKey.get(key).kind](text, byKey.get(key));
      if (value === undefined) wrong.push(`${name}=${text.slice(0, 40)}`);
      else state[key] = value;
    }
    return { state, wrong };
  }

  // Return the state that the browser's history kept, which has all tabs and not only the open one.
  function fromHistory() {
    const kept = history.state?.demo;
    if (!viewOf(kept?.tab)) return null;
    const found = { ...standard, tab: kept.tab };
    for (const [key, control] of byKey) found[key] = read[control.kind](String(kept[key]), control) ?? found[key];
    return found;
  }

  // Return the query of a link to the open tab: only what differs from `standard`, which is what a link means where it
  // names no value. An address without a query is no link: the page begins with the values of `begin`.
  function query() {
    const { keys } = viewOf(state.tab), found = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(location.search)) if (name.startsWith("__")) found.set(name, value);
    if (state.tab !== views[0].name) found.set("tab", state.tab);
    for (const key of [...shared, ...keys]) {
      if (state[key] !== standard[key] && state[key] !== null) found.set(nameOf(key), state[key]);
    }
    if (!found.size && Object.keys(begin ?? {}).some((key) => state[key] !== begin[key])) found.set("hand", state.hand);
    return found.size ? `?${found}` : "";
  }

  const root = new URL(window.gradio_config?.root || page.root || "/", location.href).pathname.replace(/\/?$/, "/");
  const base = new URL(`${root}dcgan/`, location.origin).href; // of what assets.py serves
  const scripts = `${base}static/${page.version}/`;
  let { state, wrong } = fromAddress();
  state = fromHistory() ?? state;
  let waiting = 0;

  // Write the state into the address, with a new step in the history or in place.
  function write(step = false) {
    clearTimeout(waiting);
    waiting = 0;
    const queryString = query();
    history[step ? "pushState" : "replaceState"]({ ...history.state, demo: state }, "", location.pathname + queryString);
    // On Spaces the page is in a frame of huggingface.co, which takes the query into its own address.
    if (window.parent !== window) window.parent.postMessage({ queryString, hash: "" }, "https://huggingface.co");
  }

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(write, PAUSE);
  }

  // Put the state into Gradio's controls, by the hidden button `restore`.
  function restore() {
    document.querySelector("#restore")?.click();
    demo.draw?.();
  }

  const ids = new Map(controls.filter(({ id }) => id).map(({ id, key }) => [id, key]));
  for (const { props } of window.gradio_config?.components ?? []) {
    if (ids.has(props.elem_id)) props.value = state[ids.get(props.elem_id)];
    if (props.elem_id === tabs) props.selected = state.tab;
  }
  addEventListener("popstate", () => {
    clearTimeout(waiting);
    waiting = 0;
    state = fromHistory() ?? fromAddress().state;
    restore();
  });
  addEventListener("pagehide", () => waiting && write());

  // A click on a tab is a step in the history. Gradio's own event comes later, when the visitor may be elsewhere again.
  addEventListener("click", ({ target }) => {
    const name = target.closest?.("[role=tab]")?.dataset.tabId;
    if (!viewOf(name) || name === state.tab) return;
    if (waiting) write();
    state = { ...state, tab: name };
    write(true);
    demo.draw?.();
  });

  for (const module of page.modules) { // fetched now, so that no module waits for the one that imports it
    const tab = module.match(/^views\/(\w+)/)?.[1]; // play.js and play-map.js are of the tab `play`
    if (tab !== state.tab && viewOf(tab)) continue;
    const href = scripts + module;
    // After Gradio's own scripts, which the first digit waits for.
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href, fetchPriority: "low" }));
  }

  // Begin to fetch the first half of the weights while the scripts are on their way, unless the browser has them.
  const early = new Map(); // address: promise of the answer
  let asked = false;
  async function fetchEarly() {
    const { sha256, files } = window.dcganModels?.find(({ name }) => name === state.model) ?? {};
    if (asked || !files) return;
    asked = true;
    const kept = await window.caches?.match(`${location.origin}/dcgan-weights/${sha256.generator}`).catch(() => null); // models.js
    const url = base + (files.generatorHalves?.[0] ?? files.generator);
    if (kept) return;
    early.set(url, window.fetch(url, { redirect: "error" }));
    early.get(url).catch(() => {}); // who asks for it is told
  }

  const start = () => import(`${scripts}views/page.js`); // whatever tab is open
  document.readyState === "complete" ? start() : addEventListener("load", start); // Gradio adds this script late

  return {
    page,
    base,
    wrong,
    fetchEarly,

    // Fill an element by views/NAME.js. The first view to ask is there now, so that there is time for the weights.
    async mount(name, element, server, watch) {
      fetchEarly();
      const view = await import(`${scripts}views/${name}.js`).catch(() =>
        element.append("This part of the page could not be fetched: check the connection and reload the page."));
      view?.mount(element, server, watch);
    },

    // Fetch as the browser does, but for what is on its way already.
    fetch(url, options) {
      const answer = early.get(String(url));
      early.delete(String(url));
      return answer ?? window.fetch(url, options);
    },

    get state() {
      return state;
    },

    // Return the values of a tab's controls by their names.
    values(view) {
      return Object.fromEntries(viewOf(view).keys.map((key) => [nameOf(key), state[key]]));
    },

    // Gradio calls it when a control has changed: keys of the controls and their values.
    changed(keys, ...values) {
      const before = state;
      keys.forEach((key, i) => { if (state[key] !== values[i]) state = { ...state, [key]: values[i] }; });
      if (state === before) return;
      soon();
      demo.draw?.();
    },

    // Set what has no control of Gradio's, for example the place on the map.
    set(key, value) {
      if (state[key] === value) return;
      state = { ...state, [key]: value };
      soon();
    },

    // Change several values at once, in Gradio's controls too. Another tab is a step in the history.
    put(changes) {
      const step = "tab" in changes && changes.tab !== state.tab;
      if (step && waiting) write();
      state = { ...state, ...changes };
      step ? write(true) : soon();
      if (step || Object.keys(changes).some((key) => byKey.get(key)?.id)) restore();
      else demo.draw?.();
    },

    // Return what the button `restore` gives Gradio: the open tab, then every control's value.
    outputs() {
      const values = controls.filter(({ id }) => id).map(({ key }) => state[key]);
      return [{ __type__: "update", selected: state.tab }, ...values];
    },

    // Return a link to what is shown.
    link() {
      write();
      return location.href;
    },
  };
})(window.demo.page);
