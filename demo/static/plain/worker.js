// The service worker of the page of plain files: it keeps the page for use without a connection. demo/plain_page.py puts
// two lines before this: VERSION, a hash of all files, and FILES, which are kept. Weights are kept by the engine.

const CACHE = `dcgan-page-${VERSION}`;
const PATIENCE = 3000; // milliseconds to wait for a new page while there is an old one

addEventListener("install", (event) => {
  const files = FILES.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(files)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => {
    const pages = names.filter((name) => name.startsWith("dcgan-page-")); // the oldest first
    return Promise.all(pages.slice(0, -2).map((name) => caches.delete(name))); // the last but one may still be open
  }));
});

// Return what is kept of an address, whatever its query says: of this page, else of the one before it.
async function kept(request) {
  const options = { ignoreSearch: true };
  return (await (await caches.open(CACHE)).match(request, options)) ?? caches.match(request, options);
}

// The page and the list of models may be newer on the host. Everything else has its hash in its address.
async function newest(request, file) {
  const answer = fetch(request);
  const old = await kept(file);
  if (!old) return answer;
  const late = new Promise((done) => setTimeout(done, PATIENCE));
  const found = await Promise.race([answer, late]).catch(() => null);
  return found?.ok ? found : old;
}

addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || !request.url.startsWith(registration.scope)) return;
  if (request.mode === "navigate") event.respondWith(newest(request, "./"));
  else if (pathname.endsWith("/models.json")) event.respondWith(newest(request, request));
  else event.respondWith(kept(request).then((found) => found ?? fetch(request)));
});
