// The page's state: the value of every control by its key. "write.hand" is the control `hand` of the tab Write; "model"
// and "exact" belong to all tabs; "tab" is the open one.
//
// The address holds the state, so a reload, a lost connection, the back button and a link lose nothing. This script runs
// before Gradio builds the page: it writes the values of the address into Gradio's description of the page, so that a
// link opens on its tab before anything is shown. `demo.page` (from Python) says which controls there are.
window.demo = ((page) => {
  const { controls, views, tabs } = page; // as demo/links.py describes them
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
      return Number((minimum + Math.round((value - minimum) / step) * step).toFixed(6));
    },
  };

  const viewOf = (tab) => views.find(({ name }) => name === tab);
  const nameOf = (key) => key.slice(key.indexOf(".") + 1); // of a control in a link

  // Return the state that the address names, and the values in it that no control can have.
  function fromAddress() {
    const query = new URLSearchParams(location.search), state = { ...standard, tab: views[0].name }, wrong = [];
    const asked = query.get("tab") ?? views[0].name, view = viewOf(asked);
    if (view) state.tab = view.name;
    else wrong.push(`tab=${asked.slice(0, 40)}`);
    for (const key of view ? ["model", "exact", ...view.keys] : []) {
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

  // Return the query of a link to the open tab: only what differs from the page as it begins.
  function query() {
    const { keys } = viewOf(state.tab), found = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(location.search)) if (name.startsWith("__")) found.set(name, value);
    if (state.tab !== views[0].name) found.set("tab", state.tab);
    for (const key of ["model", "exact", ...keys]) {
      if (state[key] !== standard[key] && state[key] !== null) found.set(nameOf(key), state[key]);
    }
    return found.size ? `?${found}` : "";
  }

  const root = new URL(window.gradio_config?.root || "/", location.href).pathname.replace(/\/?$/, "/");
  const base = new URL(`${root}dcgan/`, location.origin).href; // of what assets.py serves
  const scripts = `${base}static/${page.version}/`;
  let { state, wrong } = fromAddress();
  state = fromHistory() ?? state;
  const inner = {}; // of a tab with tabs inside: the one that is open there
  let waiting = 0;

  function setInner() {
    for (const { name, outer } of views) if (outer && (name === state.tab || !inner[outer])) inner[outer] = name;
  }

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

  const selected = () => Object.fromEntries(tabs.map(({ id, outer }) => {
    const view = viewOf(state.tab);
    return [id, outer ? inner[outer] : view.outer ?? view.name];
  }));

  // Put the state into Gradio's controls, by the hidden button `restore`.
  function restore() {
    setInner();
    document.querySelector("#restore")?.click();
    demo.draw?.();
  }

  setInner();
  const ids = new Map(controls.filter(({ id }) => id).map(({ id, key }) => [id, key]));
  for (const { props } of window.gradio_config?.components ?? []) {
    if (ids.has(props.elem_id)) props.value = state[ids.get(props.elem_id)];
    if (props.elem_id in selected()) props.selected = selected()[props.elem_id];
  }
  addEventListener("popstate", () => {
    clearTimeout(waiting);
    waiting = 0;
    state = fromHistory() ?? fromAddress().state;
    restore();
  });
  addEventListener("pagehide", () => waiting && write());

  for (const module of page.modules) { // fetched now, so that no module waits for the one that imports it
    const tab = module.match(/^views\/(.*)\.js$/)?.[1];
    if (tab === "pad" || (tab !== state.tab && viewOf(tab))) continue; // of another tab
    const href = scripts + module;
    // After Gradio's own scripts, which the first digit waits for.
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href, fetchPriority: "low" }));
  }

  // Begin to fetch the first half of the weights while the scripts are on their way, unless the browser has them.
  const early = new Map(); // address: promise of the answer
  let asked = false;
  async function fetchEarly() {
    const hash = window.dcganModels?.find(({ name }) => name === state.model)?.sha256.generator;
    if (asked || !hash) return;
    asked = true;
    const kept = await window.caches?.match(`${location.origin}/dcgan-weights/${hash}`).catch(() => null); // models.js
    const url = `${base}weights/${hash}/upper`;
    if (kept) return;
    early.set(url, window.fetch(url, { redirect: "error" }));
    early.get(url).catch(() => {}); // who asks for it is told
  }

  const begin = () => import(`${scripts}views/page.js`); // whatever tab is open
  document.readyState === "complete" ? begin() : addEventListener("load", begin); // Gradio adds this script late

  return {
    page,
    base,
    wrong,

    // Return the address of a tab's script. The first tab to ask is there now, so that there is time for the weights.
    script(name) {
      fetchEarly();
      return `${scripts}views/${name}.js`;
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

    // Gradio calls it when a tab was opened: a step in the history.
    opened(name) {
      const view = inner[name] ?? name;
      if (view === state.tab) return;
      if (waiting) write();
      state = { ...state, tab: view };
      setInner();
      write(true);
      demo.draw?.();
    },

    // Change several values at once, in Gradio's controls too. Another tab is a step in the history.
    put(changes) {
      if (waiting) write();
      const step = "tab" in changes && changes.tab !== state.tab;
      state = { ...state, ...changes };
      step ? write(true) : soon();
      restore();
    },

    // Return what the button `restore` gives Gradio: the open tabs, then every control's value.
    outputs() {
      const open = selected();
      return [
        ...tabs.map(({ id }) => ({ __type__: "update", selected: open[id] })),
        ...controls.filter(({ id }) => id).map(({ key }) => state[key]),
      ];
    },

    // Copy the page's address.
    copyLink() {
      write();
      const say = (text) => document.querySelectorAll(".copy-link").forEach((button) => {
        button.textContent = text;
        setTimeout(() => (button.textContent = "Copy link"), 2000);
      });
      const ask = () => { say("See the address bar"); window.prompt("Copy this link", location.href); };
      navigator.clipboard ? navigator.clipboard.writeText(location.href).then(() => say("Copied"), ask) : ask();
    },
  };
})(window.demo.page);
