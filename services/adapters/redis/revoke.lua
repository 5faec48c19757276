-- Adds a revocation to those of a user; of each time the later one counts.
-- KEYS: the user's revocations. ARGV: device (empty: all), issued until, ends at (both ms since 1970), devices at most.
-- Answers nothing where it stood already, otherwise what stands now: {device, issued until, ends at}.
local device, issued, ends = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ends <= now then
  return false
end

local function parts(text)
  local a, b = string.match(text, '^(%d+):(%d+)$')
  return tonumber(a or 0), tonumber(b or 0)
end

local last = ends
local held = redis.call('HGETALL', KEYS[1])
local devices = 0
for at = 1, #held, 2 do
  local _, until_ = parts(held[at + 1])
  if until_ <= now then
    redis.call('HDEL', KEYS[1], held[at])
  else
    devices = devices + 1
    last = math.max(last, until_)
  end
end

local known = redis.call('HGET', KEYS[1], device)
if not known and device ~= '' and devices >= tonumber(ARGV[4]) then
  device = ''
  known = redis.call('HGET', KEYS[1], device)
end
if known then
  local a, b = parts(known)
  if a >= issued and b >= ends then
    return false
  end
  issued, ends = math.max(a, issued), math.max(b, ends)
end
local value = string.format('%.0f:%.0f', issued, ends)
redis.call('HSET', KEYS[1], device, value)
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last))
return {device, string.format('%.0f', issued), string.format('%.0f', ends)}
