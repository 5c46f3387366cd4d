-- What memory_test.py has wrk send: each request of the file named in the arguments in turn, one a
-- line as "METHOD PATH TOKEN BODY" ("-" for none). At the end the statuses are counted on one line.
local requests, next_request = {}, 0
local threads = {}
counts = {} -- global: read by done()

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  for line in io.lines(args[1]) do
    local method, path, token, body = line:match("^(%S+) (%S+) (%S+) (.+)$")
    local headers = {}
    if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
    if body ~= "-" then headers["Content-Type"] = "application/json" end
    table.insert(requests, wrk.format(method, path, headers, body ~= "-" and body or nil))
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end

function response(status)
  counts[status] = (counts[status] or 0) + 1
end

function done(summary)
  local all = threads[1]:get("counts") -- there is one
  io.write("errors ", summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout, "\n")
  for status, count in pairs(all) do io.write(status, " ", count, "\n") end
end
