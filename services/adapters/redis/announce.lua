-- Renews the lease of a node, unless a later run of it holds the name.
-- KEYS[1]  hash of the role: node id → "incarnation expires lease"
-- KEYS[2]  when this data began; another value means that what was here before is lost
-- ARGV     node id, incarnation, lease (JSON), time to live in ms, a random value
-- Returns 1, or 0 where the name is held by a later run.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then
  local incarnation, expires = string.match(held, '^(%d+) (%d+) ')
  if tonumber(incarnation) > tonumber(ARGV[2]) and tonumber(expires) > now then
    return 0
  end
end
redis.call('SET', KEYS[2], ARGV[5], 'NX')
local expires = string.format('%.0f', now + ARGV[4])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. expires .. ' ' .. ARGV[3])
return 1
