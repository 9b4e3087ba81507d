// Inside WeChat: set the card of the link that "···" sends. That it is set is all we are told.
(() => {
  const place = document.querySelector("[data-wx]");
  const wx = window.wx;
  if (!place || !wx) return;
  const { config, friend, moments } = JSON.parse(place.textContent);
  wx.config({ debug: false, ...config });
  wx.ready(() => {
    const ready = document.querySelector("[data-wx-ready]");
    const both = [["updateAppMessageShareData", friend], ["updateTimelineShareData", moments]];
    let set = 0;
    for (const [name, card] of both)
      wx[name]({ ...card, success: () => { set += 1; if (ready && set === both.length) ready.hidden = false; } });
  });
})();
