// Reads barcodes where the browser cannot: zxing in a worker, so that the page never halts for it.
// First message: {reader, wasm}, addresses; then {turn, picture} is answered {turn, found}.
"use strict";
const FORMATS = ["Code128", "Code39", "QRCode", "EAN13", "EAN8", "UPCA", "UPCE"];
onmessage = async ({ data }) => {
  if (data.wasm) {
    importScripts(data.reader);
    ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => data.wasm } });
    return;
  }
  try {
    const found = await ZXingWASM.readBarcodes(data.picture, { formats: FORMATS, maxNumberOfSymbols: 8 });
    postMessage({ turn: data.turn, found: found.map(({ text, format }) => ({ text, format })) });
  } catch (failure) {
    postMessage({ turn: data.turn, failed: String(failure) });
  }
};
