-- Books what an instance reports of a circuit breaker, and tells all of it where it
-- concerns them: the arithmetic of internal/quorum.Ledger.
-- KEYS: the breaker. ARGV: channel, breaker, nonce, instance, what, quorum, probes, for,
-- round, place, probe timeout, window, forgotten; times in microseconds.
local key, channel, name = KEYS[1], ARGV[1], ARGV[2]
local instance, what, quorum, probes, open_for = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local place, probe_timeout = 'p:' .. ARGV[10], tonumber(ARGV[11])
local window, forgotten = tonumber(ARGV[12]), tonumber(ARGV[13])

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(n) return string.format('%.17g', n) end
local fleet = redis.call('PUBSUB', 'NUMSUB', channel)[2]

local had, down, places = {}, {}, {}
local flat = redis.call('HGETALL', key)
local deleted, changed = {}, false
for i = 1, #flat, 2 do
  local field, value = flat[i], flat[i + 1]
  local kind, who = string.sub(field, 1, 2), string.sub(field, 3)
  if kind == 'd:' or kind == 'p:' then
    local until_, q = string.match(value, '^(%d+)/(%d+)$')
    if until_ and tonumber(until_) > now then
      if kind == 'd:' then down[who] = tonumber(q) else places[field] = true end
    else
      deleted[#deleted + 1] = field
    end
  else
    had[field] = tonumber(value)
  end
end
local function count(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n
end
for _, field in ipairs(deleted) do redis.call('HDEL', key, field) end

local round, is_open, until_ = had.round or 0, (had.open or 0) == 1, had['until'] or 0
local needed, wanted, good, bad = had.quorum or 0, had.probes or 0, had.good or 0, had.bad or 0
local forgetting = had.forgetting or 0
local current = is_open and tonumber(ARGV[9]) == round
local mine, granted, tell = places[place], 0, false

local function clear(kind)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if string.sub(field, 1, 2) == kind then redis.call('HDEL', key, field) end
  end
end
local function begin()
  round = math.max(now, round + 1)
  is_open, until_, good, bad, tell = true, now + open_for, 0, 0, true
  clear('p:')
  forgetting = math.max(forgetting, until_ + forgotten)
end

if what == 'tripped' then
  local counts = now + math.max(window, 2 * open_for)
  redis.call('HSET', key, 'd:' .. instance, text(counts) .. '/' .. ARGV[6])
  down[instance] = quorum
  forgetting = math.max(forgetting, counts)
  changed = true
  if not is_open then
    local most = 0
    for _, q in pairs(down) do most = math.max(most, q) end
    if count(down) >= math.min(most, math.max(fleet, 1)) then
      needed, wanted = most, probes
      begin()
    end
  end
elseif what == 'recovered' then
  redis.call('HDEL', key, 'd:' .. instance)
  down[instance] = nil
elseif what == 'probe' then
  if current and now >= until_ and (mine or good + bad + count(places) < wanted) then
    redis.call('HSET', key, place, text(now + probe_timeout) .. '/0')
    forgetting = math.max(forgetting, now + probe_timeout + forgotten)
    granted, changed = 1, true
  end
elseif (what == 'succeeded' or what == 'failed' or what == 'dropped') and current and mine then
  redis.call('HDEL', key, place)
  changed = true
  if what == 'succeeded' then good = good + 1 elseif what == 'failed' then bad = bad + 1 end
  if bad >= math.min(needed, wanted, math.max(fleet, 1)) then
    begin()
  elseif good + bad >= wanted then
    is_open, tell = false, true
    clear('d:')
    clear('p:')
    down = {}
  end
end

local left = 0
if is_open then left = until_ - now end
local open = 0
if is_open then open = 1 end
if changed then
  redis.call('HSET', key, 'round', text(round), 'open', open, 'until', text(until_), 'quorum', needed,
    'probes', wanted, 'good', good, 'bad', bad, 'forgetting', text(forgetting))
  redis.call('PEXPIRE', key, math.max(math.ceil((forgetting - now) / 1000), 1))
end
if tell then
  redis.call('PUBLISH', channel, cjson.encode({breaker = name, round = text(round), open = is_open, ['for'] = text(left), down = count(down), fleet = fleet}))
end
return {ARGV[3], text(round), open, text(left), granted, count(down), fleet}
