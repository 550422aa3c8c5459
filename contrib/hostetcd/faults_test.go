package hostetcd_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/storetest"
	"github.com/hostlife/hostlife/internal/effort"
)

// A cluster restarts empty, or removes its history.
func TestFaults(t *testing.T) {
	t.Parallel()
	storetest.TestFaults(t, func(t *testing.T) (share.Store, storetest.Faults) {
		c := start(t, 1)
		client := c.client()
		return storeOf(t, client), storetest.Faults{Wipe: c.wipe, Trim: func() { compact(t, client) }}
	})
}

func (c *servers) wipe() {
	c.stop(0)
	require.NoError(c.t, os.RemoveAll(c.configs[0].Dir))
	c.open(0)
}

// compact removes all history before now.
func compact(t testing.TB, client *clientv3.Client) {
	t.Helper()
	now, err := client.Get(t.Context(), "x")
	require.NoError(t, err)
	_, err = client.Compact(t.Context(), now.Header.Revision, clientv3.WithCompactPhysical())
	require.NoError(t, err)
}

// A backup is restored: the cluster, its id, and the epoch of the table are the same.
func TestBackupsThatAreRestored(t *testing.T) {
	if !effort.Long() {
		t.Skip("set HOSTLIFE_LONG=1 to run it")
	}
	storetest.TestFaults(t, func(t *testing.T) (share.Store, storetest.Faults) {
		c := start(t, 1)
		client := c.client()
		s := &backedUp{Store: storeOf(t, client), servers: c, backup: t.TempDir()}
		return s, storetest.Faults{Lose: s.restore, Trim: func() { compact(t, client) }}
	})
}

// A backedUp Store copies the folder of its server before each tenth batch.
type backedUp struct {
	share.Store
	*servers
	backup string
	puts   int
}

func (s *backedUp) Put(ctx context.Context, batch []share.Write) error {
	if s.puts++; s.puts%10 == 1 {
		s.stop(0)
		s.copy(s.configs[0].Dir, s.backup)
		s.open(0)
	}
	return s.Store.Put(ctx, batch)
}

func (s *backedUp) copy(from, to string) {
	require.NoError(s.t, os.RemoveAll(to))
	require.NoError(s.t, os.CopyFS(to, os.DirFS(from)))
}

func (s *backedUp) restore() {
	s.stop(0)
	s.copy(s.backup, s.configs[0].Dir)
	s.open(0)
}

// The leader of three servers stops, again and again, while records are written and read. No write
// that was acknowledged is lost, and the feed goes on.
func TestLeadersStop(t *testing.T) {
	t.Parallel()
	c := start(t, 3)
	store := storeOf(t, c.client())
	rounds := 2
	if effort.Long() {
		rounds = 20
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := follow(ctx, store)
	<-f.synced
	var writer sync.WaitGroup
	var written []share.Write
	end := make(chan struct{})
	writer.Go(func() { written = writeUntil(ctx, store, end) })
	for range rounds {
		leader := c.leader()
		c.stop(leader)
		time.Sleep(time.Second)
		c.open(leader)
	}
	close(end)
	writer.Wait()
	require.NotEmpty(t, written)
	f.waitFor(t, written[len(written)-1].Version)
	cancel()
	require.ErrorIs(t, <-f.ended, context.Canceled)
	for _, w := range written {
		require.True(t, f.seen[w.Version], "the write of %q was acknowledged, and is not in the feed", w.Key)
	}
	t.Logf("%d writes", len(written))
}

// writeUntil creates records until end is closed. It returns the writes that were acknowledged.
func writeUntil(ctx context.Context, store share.Store, end <-chan struct{}) (written []share.Write) {
	for {
		select {
		case <-end:
			return written
		default:
		}
		w := create(strconv.FormatUint(versionOf(), 36))
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		if store.Put(short, []share.Write{w}) == nil {
			written = append(written, w)
		}
		cancel()
		time.Sleep(time.Millisecond)
	}
}

// leader returns the number of the server that leads.
func (c *servers) leader() int {
	c.t.Helper()
	for range 100 {
		for i, s := range c.running {
			status, err := s.Client().Status(c.t.Context(), s.Endpoints()[0])
			if err == nil && status.Leader == status.Header.MemberId {
				return i
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.t.Fatal("no server leads")
	return 0
}

// A followed is a feed that runs on a goroutine of its own.
type followed struct {
	synced chan struct{}
	ended  chan error // the error of Feed

	mu   sync.Mutex      // guards seen, until Feed has returned
	seen map[uint64]bool // versions
}

func follow(ctx context.Context, store share.Store) *followed {
	f := &followed{synced: make(chan struct{}), ended: make(chan error, 1), seen: map[uint64]bool{}}
	go func() {
		f.ended <- store.Feed(ctx, share.Position{}, func(x share.Frame) bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, r := range x.Snapshot {
				f.seen[r.Version] = true
			}
			for _, c := range x.Changes {
				f.seen[c.Version] = true
			}
			if x.Synced {
				close(f.synced)
			}
			return true
		})
	}()
	return f
}

func (f *followed) waitFor(t *testing.T, version uint64) {
	t.Helper()
	limit := time.After(longWait)
	for {
		f.mu.Lock()
		seen := f.seen[version]
		f.mu.Unlock()
		if seen {
			return
		}
		select {
		case err := <-f.ended:
			t.Fatal("the feed has ended: ", err)
		case <-limit:
			t.Fatal("the feed does not show a change")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Two of three servers stop. The feed at the third one ends, and no write succeeds.
func TestAServerWithoutItsCluster(t *testing.T) {
	if !effort.Long() {
		t.Skip("set HOSTLIFE_LONG=1 to run it")
	}
	c := start(t, 3)
	store := storeOf(t, c.running[0].Client())
	f := follow(t.Context(), store)
	<-f.synced
	c.stop(1)
	c.stop(2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, store.Put(ctx, []share.Write{create("a")}), context.DeadlineExceeded)
	select {
	case err := <-f.ended:
		require.False(t, errors.Is(err, share.ErrGap))
		require.ErrorContains(t, err, "no leader")
	case <-time.After(longWait):
		t.Fatal("the feed goes on")
	}
}

// A server that stops, and starts again with its data, has lost nothing. A feed goes on.
func TestAFeedOutlivesAServer(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	store := storeOf(t, c.client())
	f := follow(t.Context(), store)
	<-f.synced
	first := create("a")
	require.NoError(t, store.Put(t.Context(), []share.Write{first}))
	f.waitFor(t, first.Version)
	c.stop(0)
	time.Sleep(100 * time.Millisecond)
	c.open(0)
	second := create("b")
	require.NoError(t, store.Put(t.Context(), []share.Write{second}))
	f.waitFor(t, second.Version)
}

// Of a change that is compacted, a Store does not know whether the table has lost it.
func TestAPositionThatIsCompacted(t *testing.T) {
	t.Parallel()
	client := start(t, 1).client()
	store := storeOf(t, client)
	var at []share.Position // of each change
	for _, key := range []string{"a", "b", "c"} {
		require.NoError(t, store.Put(t.Context(), []share.Write{create(key)}))
		at = append(at, latest(t, store))
	}
	for _, position := range at {
		require.False(t, isBack(t, store, position))
	}
	compact(t, client)
	require.True(t, isBack(t, store, at[0]))
	require.True(t, isBack(t, store, at[1]))
	require.False(t, isBack(t, store, at[2]), "the latest one is in the table")
}

func firstFrame(t *testing.T, store share.Store, after share.Position) (first share.Frame) {
	t.Helper()
	require.NoError(t, store.Feed(t.Context(), after, func(f share.Frame) bool {
		first = f
		return false
	}))
	return first
}

func latest(t *testing.T, store share.Store) share.Position {
	t.Helper()
	f := firstFrame(t, store, share.Position{})
	return share.Position{Epoch: f.Epoch, Revision: f.Revision, Version: f.Version}
}

func isBack(t *testing.T, store share.Store, after share.Position) bool {
	t.Helper()
	return firstFrame(t, store, after).Back
}
