// A follower is told by this browser instead of by SMS; without it the SMS goes on.
(() => {
  const card = document.querySelector("[data-listen]");
  if (!card || !("serviceWorker" in navigator) || !("PushManager" in window)) return;
  card.hidden = false;
  const button = card.querySelector("button");
  const says = card.querySelector("[role=status]");
  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  button.addEventListener("click", async () => {
    if (await Notification.requestPermission() !== "granted") { says.textContent = says.dataset.denied; return; }
    try {
      // a scope of its own: the console of a seller on the same phone keeps its own subscription
      await navigator.serviceWorker.register("/sw.js", { scope: "/n/" });
      const worker = await navigator.serviceWorker.ready;
      const subscription = await worker.pushManager
        .subscribe({ userVisibleOnly: true, applicationServerKey: bytes(card.dataset.key) });
      const answer = await fetch(card.dataset.listen, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(subscription),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      location.reload();
    } catch { says.textContent = says.dataset.failed; }
  });
})();
