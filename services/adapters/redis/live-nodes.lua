-- The nodes of a role whose leases have not lapsed; those that have are removed.
-- KEYS[1]  hash of the role: node id → "incarnation expires lease"
-- KEYS[2]  when this data began
-- Returns a list: when the data began (false where there is none), then the leases (JSON).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = { redis.call('GET', KEYS[2]) }
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local expires, lease = string.match(all[i + 1], '^%d+ (%d+) (.*)$')
  if expires and tonumber(expires) > now then
    answer[#answer + 1] = lease
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return answer
