// Inside WeChat the page itself calls the cashier. What it says back decides nothing: the order
// page has the rail asked.
(() => {
  const place = document.querySelector("[data-bridge]");
  if (!place) return;
  const call = () =>
    window.WeixinJSBridge.invoke("getBrandWCPayRequest", JSON.parse(place.dataset.bridge), (said) => {
      if (said && said.err_msg === "get_brand_wcpay_request:ok") location.replace(place.dataset.back);
    });
  if (new URLSearchParams(location.search).has("returned")) return;
  if (window.WeixinJSBridge) call();
  else document.addEventListener("WeixinJSBridgeReady", call, { once: true });
})();
