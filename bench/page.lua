-- A product page as phones ask for it: known visitors, each with his cookie, in turn.
local requests, turn = {}, 0

function init(args)
  local cookies, agent = args[1], args[2]
  for cookie in io.lines(cookies) do
    requests[#requests + 1] = wrk.format("GET", wrk.path, {
      ["Host"] = wrk.host .. ":" .. wrk.port,
      ["User-Agent"] = agent,
      ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      ["Accept-Encoding"] = "gzip, deflate, br",
      ["Accept-Language"] = "zh-CN,zh-Hans;q=0.9",
      ["Sec-Fetch-Site"] = "none", ["Sec-Fetch-Mode"] = "navigate", ["Sec-Fetch-Dest"] = "document",
      ["Cookie"] = cookie,
    })
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency, all)
  io.write(string.format(
    'RESULT {"requests":%d,"refused":%d,"broken":%d,"seconds":%.4f,"p50_ms":%.2f,"p99_ms":%.2f}\n',
    summary.requests, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
