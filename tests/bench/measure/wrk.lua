-- What wrk sends: each request of the file named in the arguments in turn, one a line as
-- "METHOD PATH TOKEN BODY" ("-" for none). At the end one line of JSON; of the errors, `statuses` are
-- answers from 400 on.
local requests, turn = {}, 0

local function read(path)
  local found = {}
  for line in io.lines(path) do
    local method, target, token, body = line:match("^(%S+) (%S+) (%S+) (.+)$")
    local headers = {}
    if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
    if body ~= "-" then headers["Content-Type"] = "application/json" else body = nil end
    table.insert(found, {method = method, path = target, headers = headers, body = body})
  end
  return found
end

local function next_request()
  turn = turn % #requests + 1
  return requests[turn]
end

-- A single request is what wrk sends without asking again.
function init(args)
  local found = read(args[1])
  if #found == 1 then
    for name, value in pairs(found[1]) do
      if name == "headers" then
        for header, text in pairs(value) do wrk.headers[header] = text end
      else
        wrk[name] = value
      end
    end
    return
  end
  for _, each in ipairs(found) do
    table.insert(requests, wrk.format(each.method, each.path, each.headers, each.body))
  end
  request = next_request
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "errors": %d, "statuses": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status, errors.status))
end
