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
//   - The last changes are lost. The stream has their predecessors and the table has a mark, so a
//     feed ends with share.ErrGap within about a second.
//   - The table is lost, or its meta hash. The script makes another table, which is empty and has
//     another epoch.
//   - A bucket of records is lost, or some records of it. The meta hash has the number of records of
//     each bucket. The script compares them when it writes to a bucket or reads it, and each feed
//     compares all buckets once in half a minute. If they differ, the script gives the table another
//     epoch, in the same atomic step.
//   - The stream is lost, or has been trimmed. A feed that is behind ends with share.ErrGap.
//
// What Redis should be set to, what an attacker could do, and what it costs: see README.md.
package hostredis
