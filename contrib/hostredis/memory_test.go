package hostredis_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A Put that is refused because the memory of Redis is full changes nothing at all: also if the
// script has found that a bucket was lost.
func TestFullMemoryChangesNothing(t *testing.T) {
	t.Parallel()
	r := startServer(t, "enable-debug-command local")
	s := open(t, redis.NewClient(&redis.Options{Addr: r.addr}))
	all := fill(t, s, "h/", 100)
	for _, damage := range [][]any{{"ping"}, {"unlink", "{hostlife}:h:1", "{hostlife}:h:2", "{hostlife}:h:3"}} {
		r.do(damage...)
		r.do("config", "set", "maxmemory", "1mb")
		before := r.do("debug", "digest")
		for i, w := range all {
			update := set(w.Key, w.Version, "update")
			remove := share.Write{Key: w.Key, Expect: w.Version, Version: update.Version, Delete: true}
			for _, batch := range [][]share.Write{{set("new", 0, "")}, {update}, {remove}, {set("other", 0, ""), update, set("new", 0, "")}} {
				err := s.Put(t.Context(), batch)
				require.ErrorContains(t, err, "OOM", "%d", i)
				require.NotErrorIs(t, err, share.ErrVersion)
			}
		}
		require.Equal(t, before, r.do("debug", "digest"))
		r.do("config", "set", "maxmemory", "0")
	}
}

// The memory of Redis is full for a while. No host is evicted meanwhile, and afterwards members and
// hosts go on.
func TestMembersOutlastFullMemory(t *testing.T) {
	t.Parallel()
	r := startServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	var all []*hostmgr.Registry[string]
	var members []*share.Member[string]
	var done []chan error
	for range 2 {
		hosts, err := hostmgr.New(hostmgr.Config[string]{})
		require.NoError(t, err)
		store := open(t, redis.NewClient(&redis.Options{Addr: r.addr}))
		m, err := share.New(share.Config[string]{Registry: hosts, Store: store})
		require.NoError(t, err)
		for _, run := range []func(context.Context) error{hosts.Run, m.Run} {
			c := make(chan error, 1)
			go func() { c <- run(ctx) }()
			done = append(done, c)
		}
		waitFor(t, "a member", m.Ready)
		all, members = append(all, hosts), append(members, m)
	}
	_, err := all[0].Announce(hostmgr.Announcement[string]{ID: "silent", Interval: 4 * time.Second})
	require.NoError(t, err)
	due := time.Now().Add(9 * time.Second)
	waitFor(t, "the host", func() bool { return all[1].Len() == 1 })
	r.do("config", "set", "maxmemory", "1mb")
	for _, m := range members {
		waitFor(t, "a member that is out of touch", func() bool { return !m.Ready() })
	}
	_, err = all[1].Announce(hostmgr.Announcement[string]{ID: "new", Interval: time.Hour})
	require.NoError(t, err)
	time.Sleep(time.Until(due)) // then the timeout of the silent host is over
	require.Equal(t, 1, all[0].Len())
	require.Equal(t, 2, all[1].Len())
	r.do("config", "set", "maxmemory", "0")
	for i := range members {
		waitFor(t, "the member", members[i].Ready)
		waitFor(t, "the new host, without the silent one", func() bool {
			_, isThere := all[i].Metadata("silent")
			_, isNew := all[i].Metadata("new")
			return !isThere && isNew
		})
	}
	cancel()
	for _, c := range done {
		require.NotErrorIs(t, <-c, share.ErrNoGoodbye)
	}
}
