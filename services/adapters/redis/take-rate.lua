-- The generic cell rate algorithm (ITU-T I.371): one key holds when the next one would be due if all came evenly.
-- KEYS: the cell. ARGV: interval in microseconds, burst. Answers microseconds to wait; 0 where one was taken.
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local due = tonumber(redis.call('GET', KEYS[1]) or '') or now
-- Beyond this only a clock that was set back can have put it; nobody waits for that.
due = math.max(now, math.min(due, now + burst * interval))
local wait = due + interval - burst * interval - now
if wait > 0 then
  return math.ceil(wait)
end
due = due + interval
redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
return 0
