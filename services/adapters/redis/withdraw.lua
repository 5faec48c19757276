-- Gives the lease of a node back, unless another run of it holds the name.
-- KEYS[1]  hash of the role: node id → "incarnation expires lease"
-- ARGV     node id, incarnation
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and string.match(held, '^(%d+) ') == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
