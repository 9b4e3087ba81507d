-- The checkout's POST as a phone's browser sends it: a new guest each time, any shop and variant,
-- or (PLACE_HOT) all of them the same one. Nothing but the order is asked for: no wire call.
local serial = 0

function setup(thread)
  thread:set("place", serial)
  serial = serial + 1
end

local hot, host, shops, variants, first, postage
local devices = {}
local hexes = {}
for i = 0, 65535 do hexes[i] = string.format("%04x", i) end

local function hex(groups)
  local parts = {}
  for i = 1, groups do parts[i] = hexes[math.random(0, 65535)] end
  return table.concat(parts)
end

function init(args)
  math.randomseed(tonumber(args[1]) * 64 + place)
  hot = args[2] == "hot"
  shops, variants = tonumber(args[3]), tonumber(args[4])
  first, postage = tonumber(args[5]), tonumber(args[6])
  for device in io.lines(args[7]) do devices[#devices + 1] = device end
  host = wrk.host .. ":" .. wrk.port
end

local head = table.concat({
  "POST /@shop-%d/checkout HTTP/1.1", "Host: %s",
  "User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15" ..
  " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "Accept-Language: zh-CN,zh-Hans;q=0.9", "Accept-Encoding: gzip, deflate, br",
  "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document",
  "Origin: http://%s", "Referer: http://%s/@shop-%d/checkout", "X-Forwarded-For: 10.%d.%d.%d",
  "Cookie: device=%s", "Content-Type: application/x-www-form-urlencoded", "Content-Length: %d",
  "", "%s" }, "\r\n")

local form = "then=place&key=%s&items=00000000-0000-7002-8000-%s%%3A1&cart=%s&delivery=courier" ..
  "&pasted=&recipient=%%E9%%99%%88%%E5%%A9%%89%%E5%%A9%%B7&phone=138%08d" ..
  "&province=%%E6%%B5%%99%%E6%%B1%%9F%%E7%%9C%%81&city=%%E6%%9D%%AD%%E5%%B7%%9E%%E5%%B8%%82" ..
  "&district=%%E8%%A5%%BF%%E6%%B9%%96%%E5%%8C%%BA" ..
  "&street=%%E6%%96%%87%%E4%%B8%%89%%E8%%B7%%AF+478+%%E5%%8F%%B7&note=&method=later&total=%d"

function request()
  local shop, n = first, 1
  if not hot then
    shop, n = first + math.random(0, shops - 1), math.random(1, variants)
  end
  local body = string.format(form, hex(8), string.format("%012x", shop * 1000 + n),
    hex(2) .. "-" .. hex(1) .. "-4" .. hex(1):sub(2) .. "-8" .. hex(1):sub(2) .. "-" .. hex(3),
    math.random(0, 99999999), 1000 + n + postage)
  return string.format(head, shop, host, host, host, shop, math.random(0, 255),
    math.random(0, 255), math.random(0, 255), devices[math.random(#devices)], #body, body)
end

function done(summary, latency, requests)
  io.write(string.format(
    'RESULT {"answers":%d,"refused":%d,"broken":%d,"seconds":%.4f,"p50_ms":%.2f,"p99_ms":%.2f}\n',
    summary.requests, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
