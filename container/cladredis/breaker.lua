-- Books what an instance reports of a circuit breaker, and tells all of it where it
-- concerns them: the arithmetic of internal/quorum.Ledger.
-- KEYS: the breaker. ARGV: channel, breaker, nonce, instance, what, quorum, probes, for,
-- round, place, probe timeout, window, forgotten, longest; times in microseconds.
local key, channel, name = KEYS[1], ARGV[1], ARGV[2]
local instance, what, quorum, probes, open_for = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local place, probe_timeout = 'p:' .. ARGV[10], tonumber(ARGV[11])
local window, forgotten, longest = tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(n) return string.format('%.17g', n) end
local fleet = redis.call('PUBSUB', 'NUMSUB', channel)[2]

local had, entries = {}, {}
local flat = redis.call('HGETALL', key)
for i = 1, #flat, 2 do
  local field, value = flat[i], flat[i + 1]
  local kind = string.sub(field, 1, 2)
  if kind == 'd:' or kind == 'p:' then entries[field] = value else had[field] = tonumber(value) or 0 end
end
-- What no instance can have booked, and what a clock has that was ahead by more than
-- anybody waits, is as good as lost.
local last = had.at or now
local function sane(n, least, most) return n == nil or n >= least and n <= most end
if not (sane(last, 0, now + longest) and sane(had.round, 0, now + longest) and sane(had['until'], 0, last + longest)
    and sane(had.forgetting, 0, last + 3 * longest) and sane(had.quorum, 0, 4294967295) and sane(had.probes, 0, 4294967295)
    and sane(had.good, 0, had.probes or 0) and sane(had.bad, 0, had.probes or 0)) then
  for i = 1, #flat, 2 do redis.call('HDEL', key, flat[i]) end
  had, entries, last = {}, {}, now
end
-- Times that were booked by a clock that has been set back since are set back with it.
local back = math.max(last - now, 0)
-- The first thing that is written tells whether the store has room: later ones need none.
redis.call('HSET', key, 'at', text(now))
local down, places = {}, {}
for field, value in pairs(entries) do
  local kind, who = string.sub(field, 1, 2), string.sub(field, 3)
  local until_, q = string.match(value, '^(%d+)/(%d+)$')
  until_ = (tonumber(until_) or 0) - back
  if until_ > now and until_ <= now + 3 * longest then
    if kind == 'd:' then down[who] = tonumber(q) else places[field] = true end
    if back > 0 then redis.call('HSET', key, field, text(until_) .. '/' .. q) end
  else
    redis.call('HDEL', key, field)
  end
end
local function count(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n
end

local round, is_open, until_ = had.round or 0, (had.open or 0) == 1, math.max((had['until'] or 0) - back, 0)
local needed, wanted, good, bad = had.quorum or 0, had.probes or 0, had.good or 0, had.bad or 0
local forgetting = math.max((had.forgetting or 0) - back, 0)
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
local function close()
  is_open, tell = false, true
  clear('d:')
  clear('p:')
  down = {}
end

if what == 'tripped' then
  local counts = now + math.max(window, 2 * open_for)
  redis.call('HSET', key, 'd:' .. instance, text(counts) .. '/' .. ARGV[6])
  down[instance] = quorum
  forgetting = math.max(forgetting, counts)
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
  if current then close() end
elseif what == 'probe' then
  if current and now >= until_ and (mine or good + bad + count(places) < wanted) then
    redis.call('HSET', key, place, text(now + probe_timeout) .. '/0')
    forgetting = math.max(forgetting, now + probe_timeout + forgotten)
    granted = 1
  end
elseif (what == 'succeeded' or what == 'failed' or what == 'dropped') and current and mine then
  redis.call('HDEL', key, place)
  if what == 'succeeded' then good = good + 1 elseif what == 'failed' then bad = bad + 1 end
  if bad >= math.min(needed, wanted, math.max(fleet, 1)) then
    begin()
  elseif good + bad >= wanted then
    close()
  end
end

local left = 0
if is_open then left = until_ - now end
local open = 0
if is_open then open = 1 end
redis.call('HSET', key, 'round', text(round), 'open', open, 'until', text(until_), 'quorum', needed,
  'probes', wanted, 'good', good, 'bad', bad, 'forgetting', text(forgetting))
redis.call('PEXPIRE', key, math.max(math.ceil((forgetting - now) / 1000), 1))
if tell then
  redis.call('PUBLISH', channel, cjson.encode({breaker = name, round = text(round), open = is_open, ['for'] = text(left), down = count(down), fleet = fleet}))
end
return {ARGV[3], text(round), open, text(left), granted, count(down), fleet}
