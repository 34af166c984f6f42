// The page of plain files, before anything is shown: which tab is open, light or dark, and how weights are read.
// It comes after state.js, in the document's head.
((demo) => {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
  const asked = new URLSearchParams(location.search).get("__theme"); // a Space's frame asks for its own
  const colour = () => root.classList.toggle("dark", asked ? asked === "dark" : dark.matches);
  dark.addEventListener("change", colour);
  colour();
  root.dataset.tab = demo.state.tab; // plain_page.py has the style

  // Weights are text, so that any host of files serves them: see `packed` in demo/plain_weights.py. After the header
  // come the higher bytes of all 16-bit words, then the lower ones: so they compress better.
  async function unpacked(text) {
    const letters = atob(text), packed = new Uint8Array(letters.length);
    for (let i = 0; i < packed.length; i++) packed[i] = letters.charCodeAt(i);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer()), file = planes.slice();
    const start = 8 + new DataView(planes.buffer).getUint32(0, true), count = (planes.length - start) / 2;
    for (let i = 0; i < count; i++) {
      file[start + 2 * i] = planes[start + count + i];
      file[start + 2 * i + 1] = planes[start + i];
    }
    return file;
  }

  const fetchPlain = demo.fetch;
  demo.fetch = async (url, options) => {
    const answer = await fetchPlain(url, options);
    if (!answer.ok || !String(url).endsWith(".txt")) return answer;
    return new Response(await unpacked(await answer.text()).catch(() => "damaged")); // the engine compares its hash
  };
  demo.fetchEarly(); // the first digits are in the HTML: nothing is in more of a hurry
})(window.demo);
