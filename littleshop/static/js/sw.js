// The service worker of the console. It shows what is pushed; and where there is no signal it keeps
// what a seller does (shipping, prices, stock) and sends it once there is one again, each once.
// It keeps no page of anybody: pages hold names and addresses and are always asked for anew. What
// is queued holds numbers only, is seen and sent by nobody but who made it, and is gone when it was
// sent, when who made it signs out, or after a week.
"use strict";
const SHELL = "/offline";
const CACHE = "shell";
const ROOT = /^\/console\/\d+/;
const KEEPS = /^\/console\/\d+\/(orders\/\d+\/parcels|goods\/[0-9a-f-]{36})$/;

// ---- the page for a dead spot, and what it needs to be drawn
const keepShell = async () => {
  const page = await fetch(SHELL, { cache: "no-cache" });
  if (!page.ok) return;
  const text = await page.clone().text();
  const needed = [...new Set([...text.matchAll(/(?:href|src)="(\/static\/[^"#]+)/g)].map((m) => m[1]))];
  const cache = await caches.open(CACHE);
  await Promise.all(needed.map(async (url) => (await cache.match(url)) || cache.add(url)));
  await cache.put(SHELL, page);
  await Promise.all((await cache.keys()).map((each) => {
    const { pathname } = new URL(each.url);
    return pathname === SHELL || needed.includes(pathname) ? null : cache.delete(each);
  }));
};
const shell = async () => (await caches.match(SHELL)) || Response.error();

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keepShell().catch(() => {}));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// ---- the queue: acts that wait, in the order in which they were made
const opened = () => new Promise((resolve, reject) => {
  const asked = indexedDB.open("littleshop", 1);
  asked.onupgradeneeded = () => {
    asked.result.createObjectStore("acts", { keyPath: "place", autoIncrement: true });
    asked.result.createObjectStore("meta");
  };
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
});
const within = async (store, mode, work) => {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const deal = database.transaction(store, mode);
      const asked = work(deal.objectStore(store));
      deal.oncomplete = () => resolve(asked && asked.result);
      deal.onerror = deal.onabort = () => reject(deal.error);
    });
  } finally { database.close(); }
};
const all = () => within("acts", "readonly", (store) => store.getAll());
const put = (act) => within("acts", "readwrite", (store) => store.put(act));
const drop = (place) => within("acts", "readwrite", (store) => store.delete(place));
const meta = (name) => within("meta", "readonly", (store) => store.get(name));
const setMeta = (name, value) => within("meta", "readwrite", (store) => store.put(value, name));
const KEPT = 7 * 24 * 3600 * 1000; // of somebody who has not come back
const mine = async () => {
  const who = await meta("who");
  return (await all()).filter((each) => each.who === who);
};
const forget = async () => {
  await Promise.all((await mine()).map((each) => drop(each.place)));
  await within("meta", "readwrite", (store) => store.clear());
  await tell();
};

let sent = []; // lately, for the page that stands there and waits
const state = async () => {
  const who = await meta("who");
  return {
    kind: "offline", acts: await mine(), shops: await meta("shops") || {},
    sent: sent.filter((each) => each.who === who),
  };
};
const tell = async () => {
  const told = await state();
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  pages.forEach((page) => page.postMessage(told));
};
const add = async (acts, root, by) => { // `root`: of which shop; `by`: whose page it was, else who was here last
  const who = by || await meta("who");
  if (!ROOT.test(root || "") || !who) return;
  for (const act of acts) {
    const key = self.crypto.randomUUID();
    await put({ key, root, who, act, state: "waiting", says: "", now: "", at: Date.now() });
  }
  if (self.registration.sync) self.registration.sync.register("replay").catch(() => {});
  await tell();
};

// ---- once there is a signal: each is sent under its own key, so that twice is once
let running = null;
const replay = () => {
  running = running || send().finally(() => { running = null; });
  return running;
};
// A shop that is busy says when to come again; it is asked twice more before the rest waits too.
const TIMES = 3, LONGEST = 20;
const deliver = async (each) => {
  for (let time = 1; ; time += 1) {
    const answer = await fetch(`${each.root}/offline`, {
      method: "POST",
      redirect: "manual",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key: each.key, who: each.who, ...each.act }),
    });
    const seconds = Number.parseInt(answer.headers.get("retry-after"), 10);
    if (answer.status !== 503 || !(seconds >= 0) || time === TIMES) return answer;
    await new Promise((done) => { setTimeout(done, 1000 * Math.min(seconds, LONGEST)); });
  }
};
const send = async () => {
  for (const each of (await mine()).filter((act) => ["waiting", "sign_in"].includes(act.state))) {
    let answer;
    try {
      answer = await deliver(each);
    } catch { break; }
    if (answer.type === "opaqueredirect" || answer.status === 401) { await put({ ...each, state: "sign_in" }); break; }
    if (answer.status === 429 || answer.status >= 500) break;
    const told = await answer.json().catch(() => ({ state: "refused", says: "" }));
    if (told.state === "done") {
      await drop(each.place);
      sent = [...sent, each].slice(-20);
    } else await put({ ...each, state: told.state || "refused", says: told.says || "", now: told.now || "" });
  }
  await tell();
};
self.addEventListener("sync", (event) => { if (event.tag === "replay") event.waitUntil(replay()); });

// ---- what pages say to it
const hello = async ({ who, root, name, lang }) => {
  const before = await meta("who");
  if (before && before !== who) { // another person has this phone now; what waits does so for the first
    await within("meta", "readwrite", (store) => store.clear());
    const old = (await all()).filter((each) => each.who !== who && each.at < Date.now() - KEPT);
    await Promise.all(old.map((each) => drop(each.place)));
  }
  await setMeta("who", who);
  await setMeta("shops", { ...await meta("shops"), [root]: name });
  if (await meta("lang") !== lang || !(await caches.match(SHELL))) {
    await keepShell().then(() => setMeta("lang", lang)).catch(() => {});
  }
  await replay();
};
const choose = async ({ place, mine: kept }) => {
  const known = (await mine()).find((each) => each.place === place);
  if (!known) return;
  await drop(place);
  if (kept) await add([{ ...known.act, seen: known.now }], known.root, known.who);
  await replay();
};
self.addEventListener("message", (event) => {
  const { say, ...rest } = event.data || {};
  const done = { hello, choose, replay, add: ({ acts, root }) => add(acts, root).then(replay), forget, state: tell }[say];
  if (!done) return;
  event.waitUntil(done(rest).catch(() => {}).then(() => event.ports[0] && event.ports[0].postMessage("done")));
});

// ---- what leaves the phone
const later = async (request) => {
  const kept = request.clone();
  try { return await fetch(request); } catch {
    const told = (await kept.formData().catch(() => new FormData())).get("offline");
    const { acts, who } = JSON.parse(told || '{"acts":[]}');
    if (acts.length) await add(acts, new URL(kept.url).pathname.match(ROOT)[0], who);
    return shell();
  }
};
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (request.method === "POST" && KEEPS.test(pathname) && !request.headers.get("hx-request")) {
    event.respondWith(later(request));
  } else if (request.method === "GET" && request.mode === "navigate"
    && (pathname.startsWith("/console/") || pathname === SHELL)) {
    event.respondWith(fetch(request).catch(shell));
  } else if (request.method === "GET" && pathname.startsWith("/static/")) {
    event.respondWith(fetch(request).catch(async (fault) => {
      const known = await caches.match(pathname);
      if (known) return known;
      throw fault;
    }));
  }
});

// ---- notices
self.addEventListener("push", (event) => {
  let told = {};
  try { told = event.data ? event.data.json() : {}; } catch { told = { body: event.data.text() }; }
  const shown = {
    body: told.body || "",
    tag: told.tag || undefined,
    renotify: Boolean(told.tag),
    lang: told.lang || undefined,
    icon: "/static/manifest/icon-192.png",
    badge: "/static/manifest/badge-96.png",
    data: { url: told.url || "/" },
  };
  event.waitUntil(self.registration.showNotification(told.title || "littleshop", shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data.url, self.location.origin);
  if (target.origin !== self.location.origin) return;
  event.waitUntil((async () => {
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const open = pages.find((page) => new URL(page.url).pathname === target.pathname);
    await (open ? open.focus() : self.clients.openWindow(target.href));
  })());
});
