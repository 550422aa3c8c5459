package hostredis_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostredis"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A table on miniredis, and a client with which a test breaks it.
type table struct {
	*hostredis.Store
	raw *redis.Client
}

func newTable(t testing.TB) table { return tableOf(t, &redis.Options{Addr: newMiniredis(t).Addr()}) }

func tableOf(t testing.TB, o *redis.Options) table {
	raw := redis.NewClient(o)
	t.Cleanup(func() { _ = raw.Close() })
	return table{open(t, redis.NewClient(o)), raw}
}

// dropped returns a key of a bucket that has records, and one of them.
func (x table) dropped(t testing.TB) (bucket, record string) {
	buckets, err := x.raw.Keys(t.Context(), "{hostlife}:h:*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, buckets)
	records, err := x.raw.HKeys(t.Context(), buckets[0]).Result()
	require.NoError(t, err)
	return buckets[0], records[0]
}

// Redis with allkeys-lru drops a bucket. The feeds end, and the next one tells of the loss.
func TestDroppedBucketIsNoticed(t *testing.T) {
	t.Parallel()
	for name, find := range map[string]func(t *testing.T, x table, record string){
		"by a write": func(t *testing.T, x table, record string) {
			require.NoError(t, x.Put(t.Context(), []share.Write{set(record, 0, "")}))
		},
		"by a write that is refused": func(t *testing.T, x table, record string) {
			require.ErrorIs(t, x.Put(t.Context(), []share.Write{set(record, 1, "")}), share.ErrVersion)
		},
		"by a snapshot": func(t *testing.T, x table, _ string) { read(t, x, share.Position{}).waitSynced().end() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTable(t)
			fill(t, x, "h/", 300)
			r := read(t, x, share.Position{}).waitSynced()
			before := r.position()
			bucket, record := x.dropped(t)
			require.NoError(t, x.raw.Del(t.Context(), bucket).Err())
			find(t, x, record)
			require.ErrorIs(t, r.waitErr(), share.ErrGap)

			again := read(t, x, before).waitSynced()
			require.True(t, again.first.Back)
			require.NotEqual(t, before.Epoch, again.first.Epoch)
			require.Greater(t, len(again.records), 290, "only one bucket was lost")
			w := set("h/later", 0, "later")
			require.NoError(t, x.Put(t.Context(), []share.Write{w}))
			again.waitFor(w)
		})
	}
}

// One record of a bucket that is missing counts, too.
func TestDroppedRecordIsNoticed(t *testing.T) {
	t.Parallel()
	x := newTable(t)
	fill(t, x, "h/", 300)
	r := read(t, x, share.Position{}).waitSynced()
	bucket, record := x.dropped(t)
	require.NoError(t, x.raw.HDel(t.Context(), bucket, record).Err())
	read(t, x, share.Position{}).waitSynced()
	require.ErrorIs(t, r.waitErr(), share.ErrGap)
}

// All buckets are lost, while nothing is written and no other feed begins. A feed compares some
// buckets each second.
func TestAnIdleFeedNoticesALoss(t *testing.T) {
	t.Parallel()
	x := newTable(t)
	fill(t, x, "h/", 2000)
	r := read(t, x, share.Position{}).waitSynced()
	buckets, err := x.raw.Keys(t.Context(), "{hostlife}:h:*").Result()
	require.NoError(t, err)
	require.NoError(t, x.raw.Del(t.Context(), buckets...).Err())
	require.ErrorIs(t, r.waitErr(), share.ErrGap)
}

// Without its meta hash the table begins empty.
func TestDroppedMetaIsNoticed(t *testing.T) {
	t.Parallel()
	x := newTable(t)
	fill(t, x, "h/", 300)
	r := read(t, x, share.Position{}).waitSynced()
	before := r.position()
	require.NoError(t, x.raw.Del(t.Context(), meta).Err())
	require.ErrorIs(t, r.waitErr(), share.ErrGap)
	again := read(t, x, before).waitSynced()
	require.True(t, again.first.Back)
	require.Empty(t, again.records)
	fill(t, x, "h/", 300)
}

// The log has no records. A feed that has read all of it goes on.
func TestDroppedLogIsNoLoss(t *testing.T) {
	t.Parallel()
	x := newTable(t)
	fill(t, x, "h/", 300)
	r := read(t, x, share.Position{}).waitSynced()
	middle := r.position()
	fill(t, x, "i/", 1)
	r.wait("a change", func() bool { return r.at.Revision == 301 })
	require.NoError(t, x.raw.Del(t.Context(), eventLog).Err())
	end := r.position()
	for after, back := range map[share.Position]bool{middle: true, end: false} {
		again := read(t, x, after).waitSynced()
		require.Equal(t, back, again.first.Back)
		require.Len(t, again.records, 301)
	}
	w := set("h/later", 0, "later")
	require.NoError(t, x.Put(t.Context(), []share.Write{w}))
	r.waitFor(w)
}

// Another program, or an attacker, may have any key of the table overwritten. No call hangs, and
// after an error or two the table works, perhaps as a new one.
func TestForeignKeysAreReplaced(t *testing.T) {
	t.Parallel()
	server, database := startServer(t), 0
	for name, harm := range map[string]func(t *testing.T, c *redis.Client, bucket, record string) error{
		"meta is a string": func(t *testing.T, c *redis.Client, _, _ string) error { return c.Set(t.Context(), meta, "x", 0).Err() },
		"log is a string": func(t *testing.T, c *redis.Client, _, _ string) error {
			return c.Set(t.Context(), eventLog, "x", 0).Err()
		},
		"bucket is a string": func(t *testing.T, c *redis.Client, b, _ string) error { return c.Set(t.Context(), b, "x", 0).Err() },
		"revision is no number": func(t *testing.T, c *redis.Client, _, _ string) error {
			return c.HSet(t.Context(), meta, "revision", "-1").Err()
		},
		"revision is large": func(t *testing.T, c *redis.Client, _, _ string) error {
			return c.HSet(t.Context(), meta, "revision", "9223372036854775807").Err()
		},
		"revision is smaller": func(t *testing.T, c *redis.Client, _, _ string) error {
			return c.HSet(t.Context(), meta, "revision", "3").Err()
		},
		"version is no number": func(t *testing.T, c *redis.Client, _, _ string) error {
			return c.HSet(t.Context(), meta, "version", "x").Err()
		},
		"epoch is empty": func(t *testing.T, c *redis.Client, _, _ string) error {
			return c.HSet(t.Context(), meta, "epoch", "").Err()
		},
		"log is ahead": func(t *testing.T, c *redis.Client, _, _ string) error {
			return c.XAdd(t.Context(), &redis.XAddArgs{Stream: eventLog, ID: "18446744073709551615-0", Values: []string{"b", "x"}}).Err()
		},
		"log has another entry": func(t *testing.T, c *redis.Client, _, _ string) error {
			return c.XAdd(t.Context(), &redis.XAddArgs{Stream: eventLog, ID: "301-0", Values: []string{"e", "x", "p", "", "b", "s"}}).Err()
		},
		"record is empty": func(t *testing.T, c *redis.Client, b, r string) error { return c.HSet(t.Context(), b, r, "").Err() },
		"record is ahead": func(t *testing.T, c *redis.Client, b, r string) error {
			return c.HSet(t.Context(), b, r, "0123456789abcdef 999999 x").Err()
		},
		"record is huge": func(t *testing.T, c *redis.Client, b, r string) error {
			return c.HSet(t.Context(), b, r, "0123456789abcdef 1 "+strings.Repeat("v", 10<<20)).Err()
		},
		"key is huge": func(t *testing.T, c *redis.Client, b, _ string) error {
			return c.HSet(t.Context(), b, strings.Repeat("k", share.MaxKey+1), "0123456789abcdef 1 x").Err()
		},
		"record is foreign": func(t *testing.T, c *redis.Client, b, _ string) error {
			return c.HSet(t.Context(), b, "foreign", "x").Err()
		},
	} {
		x := tableOf(t, &redis.Options{Addr: server.addr, DB: database})
		database++
		t.Run(name, func(t *testing.T) {
			fill(t, x, "h/", 300)
			r := read(t, x, share.Position{}).waitSynced()
			bucket, record := x.dropped(t)
			require.NoError(t, harm(t, x.raw, bucket, record))
			for tries, done := 0, false; !done; tries++ {
				require.Less(t, tries, 3)
				again := read(t, x, r.position())
				again.wait("the snapshot, or the end", func() bool { return again.synced || again.ended() })
				done = again.synced
				again.end()
			}
			// A record that was damaged is shown no more, or as it was.
			again := read(t, x, r.position()).waitSynced()
			again.end()
			w := set(record, again.records[record].Version, "later")
			require.NoError(t, x.Put(t.Context(), []share.Write{w, set("new", 0, "new")}))
			waitFor(t, "the write", func() bool {
				last := read(t, x, share.Position{})
				last.wait("the snapshot, or the end", func() bool { return last.synced || last.ended() })
				last.end()
				return last.records[record].Version == w.Version
			})
		})
	}
}
