//! The scripts that run inside Redis.

/// A token bucket, the same as `bucket.rs`: one number, the microsecond at which it would be full again, on the clock
/// of Redis, which all replicas share. It expires when it is full.
pub(crate) const TAKE: &str = r"
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local token, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + token
if full_at - now > token * burst then return 0 end
redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.max(1, math.ceil((full_at - now) / 1000)))
return 1
";

/// Forgets every key that begins with the argument, a thousand at a time; returns where to go on, 0 at the end.
pub(crate) const FORGET_ALL: &str = r"
local found = redis.call('SCAN', ARGV[2], 'MATCH', ARGV[1], 'COUNT', 1000)
if #found[2] > 0 then redis.call('UNLINK', unpack(found[2])) end
return found[1]
";
