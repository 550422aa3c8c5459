// Package hostredis is a share.Store on Redis 7 or later, or on Valkey.
//
//	client := redis.NewClient(&redis.Options{Addr: "redis:6379"}) // or for Sentinel, or Cluster
//	store, err := hostredis.New(hostredis.Config{Client: client})
//	member, err := share.New(share.Config[Peer]{Registry: hosts, Store: store})
//
// Each Put is one call of a Lua script, which compares and sets the records of a batch and appends
// them to a stream. A feed reads pages of records, and then the stream, on a connection of its own.
// No key expires, and Redis is never asked for the time.
//
// # Losses
//
// Redis may lose what it has acknowledged: in a failover, in a restart, or because it drops keys
// when its memory is full. The Store notices each of these:
//   - The last changes are lost. Each entry of the stream names the change before it, and the table
//     names its latest change. So a feed that has read a lost change ends with share.ErrGap within
//     about a second.
//   - The table or its meta hash is lost. The script makes another table, which is empty and has
//     another epoch.
//   - A bucket of records is lost, or some of its records are. The meta hash has the number of
//     records of each bucket. The script compares them when it writes to a bucket or reads it, and
//     each feed compares all buckets once in half a minute. If they differ, the script gives the
//     table another epoch, in the same atomic step.
//   - The stream is lost, or has been trimmed. A feed that is behind ends with share.ErrGap.
//
// README.md says how to configure Redis, what an attacker could do, and what the Store costs.
package hostredis
