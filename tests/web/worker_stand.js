// A phone for the console's service worker: its caches and its memory are kept in maps, its shop is
// a list of answers. Run by Node: worker_stand.js WORKER STEPS; says as JSON what went out.
"use strict";
const { readFileSync } = require("node:fs");
const [, , worker, steps] = process.argv;
const SITE = "https://shop.test";
const heard = {}, sent = [], stores = {}, kept = new Map();
let signal = true, answers = [];

// ---- IndexedDB, as much of it as the worker asks for
const later = (request) => queueMicrotask(() => request.onsuccess && request.onsuccess());
const store = (name, rows) => ({
  getAll: () => ({ result: [...rows.values()].map((row) => structuredClone(row)) }),
  put: (row, key) => {
    const own = structuredClone(row);
    if (name === "acts") own.place = key = own.place || (stores.last = (stores.last || 0) + 1);
    rows.set(key, own);
    return { result: key };
  },
  delete: (key) => ({ result: rows.delete(key) }),
  get: (key) => ({ result: structuredClone(rows.get(key)) }),
  clear: () => ({ result: rows.clear() }),
});
const database = {
  createObjectStore: (name) => { stores[name] = new Map(); },
  transaction: (name) => {
    const deal = { objectStore: () => store(name, stores[name]) };
    setTimeout(() => deal.oncomplete());
    return deal;
  },
  close: () => {},
};
globalThis.indexedDB = { open: () => {
  const asked = { result: database };
  queueMicrotask(() => { if (!stores.acts) asked.onupgradeneeded(); });
  later(asked);
  return asked;
} };

// ---- the page for a dead spot, the network, the worker's own world
const cache = { match: async (url) => kept.get(new URL(url, SITE).pathname), add: async () => {},
  put: async (url, page) => kept.set(url, page), keys: async () => [], delete: async () => {} };
globalThis.caches = { open: async () => cache, match: cache.match };
globalThis.fetch = async (asked, more) => {
  if (!signal) throw new TypeError("no signal");
  const url = new URL(asked.url || asked, SITE).pathname;
  if (url === "/offline") return new Response("<p>dead spot</p>");
  sent.push({ url, ...(more ? JSON.parse(more.body) : { form: true }) });
  const [status, told, headers] = answers.shift() || [200, { state: "done" }];
  return new Response(JSON.stringify(told), { status, headers });
};
globalThis.self = { addEventListener: (name, hear) => { heard[name] = hear; }, skipWaiting() {},
  registration: {}, crypto: globalThis.crypto, location: new URL(SITE),
  clients: { matchAll: async () => [], claim: async () => {} } };
new Function(readFileSync(worker, "utf8"))();

const happens = async (name, event) => {
  const waits = [];
  heard[name]({ ports: [], ...event, waitUntil: (work) => waits.push(work),
    respondWith: (answer) => waits.push(answer) });
  return Promise.all(waits);
};
const doing = {
  signal: (on) => { signal = on; },
  answers: (told) => { answers = told; },
  say: (data) => happens("message", { data }),
  submit: ({ url, offline }) => happens("fetch", { request: new Request(SITE + url, {
    method: "POST", body: new URLSearchParams({ offline: JSON.stringify(offline) }) }) }),
};
(async () => {
  for (const [name, told] of JSON.parse(steps)) await doing[name](told);
  const shops = stores.meta ? Object.fromEntries(stores.meta).shops : undefined;
  console.log(JSON.stringify({ sent, acts: [...(stores.acts || new Map()).values()], shops }));
})();
