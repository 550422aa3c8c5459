-- The table of a hostredis.Store. Each call of this script is one atomic step.
--
-- KEYS: the meta hash, the log, and buckets, the names of which end with their numbers.
-- ARGV: what to do, an epoch that is used if a new one is needed, and more: see below.
--
-- A version is text of 16 hexadecimal digits, because a number of Lua has only 53 bits. A revision
-- is a number of changes, and fits.
local meta, log = KEYS[1], KEYS[2]
local op, fresh = ARGV[1], ARGV[2]
local none = string.rep('0', 16)
local hex = string.rep('[0-9a-f]', 16)
local record = '^(' .. hex .. ') (%d+) '

local function failed(reply) return type(reply) == 'table' and reply.err end

-- read calls a command that reads a key. A key of another type is not ours, and is deleted.
local function read(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if not failed(reply) then return reply end
  if not string.find(reply.err, 'WRONGTYPE') then error(reply) end
  redis.call('UNLINK', key)
  return nil
end

local m = read('HMGET', meta, 'epoch', 'revision', 'version', 'bytes') or {}
local epoch, revision, version = m[1], m[2], m[3]
local whole = epoch and epoch ~= '' and
  revision and string.find(revision, '^%d+$') and #revision < 16 and
  version and string.find(version, '^' .. hex .. '$')
revision = whole and tonumber(revision)

-- begin: makes an empty table if there is none. All buckets are in KEYS.
if op == 'begin' then
  if not whole then
    redis.call('UNLINK', unpack(KEYS))
    redis.call('HSET', meta, 'epoch', fresh, 'revision', '0', 'version', none)
  end
  return {'ok'}
end
if not whole then return {'none'} end

-- renew gives the table another epoch, because it has lost something.
local function renew()
  epoch = fresh
  redis.call('HSET', meta, 'epoch', epoch)
end

-- audit compares the sizes of the buckets with the sizes that they should have.
local sizes, fields = {}, {}
local function audit()
  for i = 3, #KEYS do fields[i] = 'n' .. string.match(KEYS[i], '%d+$') end
  if #KEYS < 3 then return end
  local should = redis.call('HMGET', meta, unpack(fields, 3, #KEYS))
  local lost = false
  for i = 3, #KEYS do
    sizes[i] = read('HLEN', KEYS[i]) or 0
    if sizes[i] ~= tonumber(should[i - 2] or '0') then
      redis.call('HSET', meta, fields[i], sizes[i])
      lost = true
    end
  end
  if lost then renew() end
end
audit()

-- writable fails unless this is a primary. It deletes nothing, but a replica refuses to write, as
-- does a primary that is cut off from its replicas, if min-replicas-to-write is set. It is not
-- called before a put writes: Redis checks its memory at the first write of a script only.
local function writable() redis.call('HDEL', meta, '') end
if op ~= 'put' then writable() end

local function text(n) return string.format('%d', n) end

-- mark: ARGV[3] is a revision. Returns the mark of the table, and ARGV[4] entries from there on.
if op == 'mark' then
  local entries = read('XRANGE', log, ARGV[3], '+', 'COUNT', ARGV[4])
  return {'ok', epoch, text(revision), version, entries or {}}
end

-- page: ARGV[3] is a revision or empty. Returns the mark, the entry of that revision, and the first
-- ones of the buckets, up to ARGV[4] records or ARGV[5] bytes.
if op == 'page' then
  local entry = {}
  if ARGV[3] ~= '' then entry = read('XRANGE', log, ARGV[3], ARGV[3], 'COUNT', 1) or {} end
  local reply, records, bytes, i = {'ok', epoch, text(revision), version, entry}, 0, 0, 3
  while i <= #KEYS and records < tonumber(ARGV[4]) and bytes < tonumber(ARGV[5]) do
    local all = {}
    if sizes[i] > 0 then all = redis.call('HGETALL', KEYS[i]) end
    for _, s in ipairs(all) do bytes = bytes + #s end
    records = records + sizes[i]
    reply[#reply + 1] = all
    i = i + 1
  end
  return reply
end

-- put: ARGV[3] is the number of changes in the log, and ARGV[4] that of its bytes. Each three
-- arguments from ARGV[5] on are a write: a head, a key and a value. A head is "s" to set or "d" to
-- delete, the version that is expected, the new version, and the index of the bucket in KEYS.
local function current(bucket, key)
  local have = redis.call('HGET', bucket, key)
  if not have then return none end
  local v, r = string.match(have, record)
  if not v or #r > 15 or tonumber(r) > revision then return none end -- not ours: overwrite it
  if #have - #r - 18 > 66560 then return none end -- the same: a reader skips what exceeds share.MaxValue
  return v
end

local writes = 5
for i = writes, #ARGV, 3 do
  local bucket = KEYS[tonumber(string.sub(ARGV[i], 34))]
  if current(bucket, ARGV[i + 1]) ~= string.sub(ARGV[i], 2, 17) then
    writable()
    return {'conflict'}
  end
end

local parts, last = {}, revision
for i = writes, #ARGV, 3 do
  local head, key, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  parts[#parts + 1] = string.sub(head, 1, 1) .. string.sub(head, 18, 33) .. #key .. ' ' .. #value .. ' '
  parts[#parts + 1] = key
  parts[#parts + 1] = value
  last = last + 1
end
local body = table.concat(parts)

-- The log is bounded in bytes, too. "bytes" in the meta hash counts all that were ever appended, and
-- "t" of an entry is that number with the entry. So two of them tell the size of what lies between.
local most, frame = tonumber(ARGV[4]), 100 -- frame is what an entry takes without its body
local before = tonumber(m[4] or '0') or 0
local total = before + #body + frame

-- entry returns the id of the first entry at a revision or later, and how many bytes follow it.
local function entry(from)
  local found = redis.pcall('XRANGE', log, from, '+', 'COUNT', 1)
  if failed(found) or not found[1] then return nil end
  local fields = found[1][2]
  for i = 1, #fields, 2 do
    if fields[i] == 't' then return tonumber(string.match(found[1][1], '^%d+')), total - (tonumber(fields[i + 1]) or 0) end
  end
  return nil -- another version of this script has written it
end

-- oldest returns the revision from which on the log is kept, and whether exactly from there. It looks
-- at the bytes each time that an eighth of the bound was appended.
local function oldest()
  local least = math.max(0, last - tonumber(ARGV[3]))
  if math.floor(before * 8 / most) == math.floor(total * 8 / most) then return least, '~' end
  local low, bytes = entry('-')
  if not low or bytes <= most then return least, '~' end
  local high = last
  while low < high do
    local middle = math.floor((low + high) / 2)
    local id, after = entry(text(middle))
    if id and after > most * 7 / 8 then low = math.max(id, middle) + 1 else high = middle end
  end
  return math.max(least, math.min(low, last)), '='
end
local from, how = oldest()

local function append()
  return redis.pcall('XADD', log, 'MINID', how, text(from), text(last),
    'e', epoch, 'p', version, 'b', body, 't', text(total))
end
local added = append()
if failed(added) then
  -- The log is ahead of the meta hash, or no stream?
  if not string.find(added.err, 'WRONGTYPE') and not string.find(added.err, 'equal or smaller') then return added end
  redis.call('UNLINK', log)
  renew()
  added = append()
  if failed(added) then return added end
end

for i = writes, #ARGV, 3 do
  local head, key = ARGV[i], ARGV[i + 1]
  local b = tonumber(string.sub(head, 34))
  revision, version = revision + 1, string.sub(head, 18, 33)
  if string.sub(head, 1, 1) == 's' then
    local new = redis.call('HSET', KEYS[b], key, version .. ' ' .. text(revision) .. ' ' .. ARGV[i + 2])
    sizes[b] = sizes[b] + new
  else
    sizes[b] = sizes[b] - redis.call('HDEL', KEYS[b], key)
  end
end
local now = {'revision', text(revision), 'version', version, 'bytes', text(total)}
for i = 3, #KEYS do
  now[#now + 1] = fields[i]
  now[#now + 1] = sizes[i]
end
redis.call('HSET', meta, unpack(now))
return {'ok'}
