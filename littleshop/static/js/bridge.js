// Inside WeChat the page itself calls the cashier, or has a payout taken (data-call). What it says
// back decides nothing: the rail is asked.
(() => {
  const place = document.querySelector("[data-bridge]");
  if (!place) return;
  const call = () =>
    window.WeixinJSBridge.invoke(place.dataset.call || "getBrandWCPayRequest", JSON.parse(place.dataset.bridge), (said) => {
      if (said && /:ok$/.test(said.err_msg)) location.replace(place.dataset.back);
    });
  if (new URLSearchParams(location.search).has("returned")) return;
  if (window.WeixinJSBridge) call();
  else document.addEventListener("WeixinJSBridgeReady", call, { once: true });
})();
