-- Registers a node or prolongs its lease, unless a newer incarnation holds it.
-- KEYS: the node, the index of its role, the role's birth. ARGV: id, incarnation, address, load, protocol, lease in ms,
-- a random text. Answers 0: superseded, 1: prolonged, 2: new here.
local held = tonumber(redis.call('HGET', KEYS[1], 'incarnation') or '')
local mine = tonumber(ARGV[2])
if held and held > mine then
  return 0
end
redis.call('SET', KEYS[3], ARGV[7], 'NX')
redis.call('HSET', KEYS[1], 'incarnation', ARGV[2], 'address', ARGV[3], 'load', ARGV[4], 'protocol', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[2], now + ARGV[6], ARGV[1])
-- Those who lapsed long ago; their own keys are gone already.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 60000)
if held == mine then
  return 1
end
return 2
