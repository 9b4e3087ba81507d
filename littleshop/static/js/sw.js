// The service worker of the console: it shows what is pushed and nothing else.
// It keeps no page: they hold names and addresses and are always asked for anew.
"use strict";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

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
