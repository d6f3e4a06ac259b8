-- wrk's script: posts one prepared JSON body after another, and ends with one line of JSON for load.py to read.
-- Arguments after "--": a file with one body a line, and the path to post to.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  requests = {}
  wrk.headers["Content-Type"] = "application/json"
  for body in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("POST", arguments[2], nil, body)
  end
  at = number * 97
end

function request()
  at = at + 1
  return requests[at % #requests + 1]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "refused": %d, "timeouts": %d, "broken": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration, errors.status, errors.timeout, errors.connect + errors.read + errors.write,
    latency:percentile(50), latency:percentile(99)))
end
