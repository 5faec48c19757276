-- Ends a node's lease, if it is this incarnation that holds it.
-- KEYS: the node, the index of its role. ARGV: id, incarnation. Answers 1 where a lease was ended.
if tonumber(redis.call('HGET', KEYS[1], 'incarnation') or '') ~= tonumber(ARGV[2]) then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
