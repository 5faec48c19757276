-- Registers a node or prolongs its lease, unless a newer incarnation holds it.
-- KEYS: the node, the index of its role, the role's birth. ARGV: id, incarnation, address, state, load, protocol, lease
-- in ms, a random text. Answers 0: superseded, 1: prolonged, 2: new here, or at another address or in another state.
local was = redis.call('HMGET', KEYS[1], 'incarnation', 'address', 'state')
local held = tonumber(was[1] or '')
local mine = tonumber(ARGV[2])
if held and held > mine then
  return 0
end
redis.call('SET', KEYS[3], ARGV[8], 'NX')
redis.call('HSET', KEYS[1], 'incarnation', ARGV[2], 'address', ARGV[3], 'state', ARGV[4], 'load', ARGV[5],
  'protocol', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[2], now + ARGV[7], ARGV[1])
-- Those who lapsed long ago; their own keys are gone already.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 60000)
if held == mine and was[2] == ARGV[3] and was[3] == ARGV[4] then
  return 1
end
return 2
