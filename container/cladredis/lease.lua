-- Answers a request for tokens of one limit: the arithmetic of internal/lease.Ledger.
-- KEYS: the limit. ARGV: instance, sequence, per second, burst, want, return, spent,
-- fresh, most, epoch, length of an epoch in microseconds.
local key, instance, sequence = KEYS[1], ARGV[1], tonumber(ARGV[2])
local rate, burst = tonumber(ARGV[3]), tonumber(ARGV[4])
local want, back, spent = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local most = tonumber(ARGV[9])

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local epoch = math.floor(now / ARGV[11])

local had = redis.call('HMGET', key, 'tokens', 'at', 'born', 'epoch', 'now', 'before', 'rate', 'rate_before', 'burst', 'burst_before')
for i = 1, 10 do had[i] = tonumber(had[i] or nil) end
local tokens, at, born, last, count, before, rate0, rate1, burst0, burst1 = unpack(had)
local function sane(n, least, most) return n == nil or n >= least and n <= most end
-- Not a number, or one that nobody has written, is as good as lost.
if not (tokens and at and born and last and sane(tokens, -1e18, 1e18) and sane(at, 0, 1e16) and sane(born, 0, 1e16) and sane(last, 0, 1e16)
    and sane(count, 0, 1000000) and sane(before, 0, 1000000) and sane(rate0, 1e-12, math.huge) and sane(rate1, 1e-12, math.huge)
    and sane(burst0, 0, math.huge) and sane(burst1, 0, math.huge)) then
  count, before, rate0, rate1, burst0, burst1 = nil, nil, nil, nil, nil, nil
  tokens, at, born, last = tonumber(ARGV[8]), now, epoch, epoch
end
count, before = count or 0, before or 0
rate0, rate1, burst0, burst1 = rate0 or math.huge, rate1 or math.huge, burst0 or math.huge, burst1 or math.huge
if epoch ~= last then
  if epoch == last + 1 then
    before, rate1, burst1 = count, rate0, burst0
  else
    before, rate1, burst1 = 0, math.huge, math.huge
  end
  count, rate0, burst0, born = 0, math.huge, math.huge, math.min(born, epoch)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local of = string.match(field, '^i:(%-?%d+):')
    if of and tonumber(of) ~= epoch - 1 then redis.call('HDEL', key, field) end
  end
end
if tonumber(ARGV[10]) ~= epoch then count = count + 1 end
rate0, burst0 = math.min(rate0, rate), math.min(burst0, burst)
rate, burst = math.min(rate0, rate1), math.min(burst0, burst1)

tokens = math.min(burst, tokens + rate * math.max(now - at, 0) / 1000000)
if most >= 0 then tokens = math.min(tokens, most) end
if back > 0 then
  local mine, earlier = 'i:' .. epoch .. ':' .. instance, 'i:' .. (epoch - 1) .. ':' .. instance
  local given = redis.call('HMGET', key, mine, earlier)
  if math.max(tonumber(given[1] or 0), tonumber(given[2] or 0)) < sequence then
    redis.call('HSET', key, mine, ARGV[2])
    tokens = math.min(burst, tokens + back)
  end
end
tokens = math.max(tokens - spent, -burst)
local granted = 0
if tokens >= 1 then
  granted = math.min(want, math.floor(tokens))
  tokens = tokens - granted
end
local wait = 0
if granted < want then wait = math.min(math.ceil((1 - tokens) / rate * 1000000), 1000000000000) end

local function text(n) return string.format('%.17g', n) end
redis.call('HSET', key, 'tokens', text(tokens), 'at', text(now), 'born', text(born), 'epoch', text(epoch),
  'now', count, 'before', before, 'rate', text(rate0), 'rate_before', text(rate1), 'burst', text(burst0), 'burst_before', text(burst1))
-- What is forgotten then is full, and the epochs over.
redis.call('PEXPIRE', key, math.min(math.max(3 * ARGV[11] / 1000, math.ceil(2 * burst / rate * 1000)), 2592000000))
local young = 0
if epoch - born < 2 then young = 1 end
return {key .. '/' .. ARGV[2], granted, wait, math.max(count, before), epoch, young}
