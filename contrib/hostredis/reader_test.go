package hostredis_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A reader keeps what a feed shows.
type reader struct {
	t      testing.TB
	cancel context.CancelFunc
	done   chan struct{} // closed after Feed has returned err
	err    error

	mu      sync.Mutex // guards the fields below
	first   share.Frame
	at      share.Position
	records map[string]share.Record
	synced  bool
	frames  int
}

// read begins a feed, which ends with the test.
func read(t testing.TB, s share.Store, after share.Position) *reader {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reader{t: t, cancel: cancel, done: make(chan struct{}), records: map[string]share.Record{}}
	go func() {
		defer close(r.done)
		r.err = s.Feed(ctx, after, r.take)
	}()
	t.Cleanup(r.end)
	return r
}

func (r *reader) take(f share.Frame) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.frames++; r.frames == 1 {
		r.first = f
	}
	for _, x := range f.Snapshot {
		r.keep(x)
	}
	r.at = share.Position{Epoch: f.Epoch, Revision: f.Revision, Version: f.Version}
	for _, c := range f.Changes {
		x := share.Record{Key: c.Key, Revision: c.Revision, Version: c.Version, Value: c.Value}
		if r.keep(x); c.Deleted {
			delete(r.records, c.Key) // no page comes after a change in these tests
		}
		r.at.Revision, r.at.Version = c.Revision, c.Version
	}
	r.synced = r.synced || f.Synced
	return true
}

func (r *reader) keep(x share.Record) {
	if x.Revision >= r.records[x.Key].Revision {
		r.records[x.Key] = x
	}
}

// end ends the feed, and waits for it.
func (r *reader) end() {
	r.cancel()
	<-r.done
}

// wait waits until ok returns true, which is called with the lock.
func (r *reader) wait(what string, ok func() bool) {
	r.t.Helper()
	waitFor(r.t, what, func() bool {
		over := r.ended()
		r.mu.Lock()
		defer r.mu.Unlock()
		done := ok()
		if over && !done {
			require.Fail(r.t, fmt.Sprint("the feed has ended: ", r.err))
		}
		return done
	})
}

func (r *reader) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func (r *reader) waitSynced() *reader {
	r.t.Helper()
	r.wait("Synced", func() bool { return r.synced })
	return r
}

func (r *reader) waitFor(w share.Write) {
	r.t.Helper()
	r.wait(w.Key, func() bool { return r.records[w.Key].Version == w.Version })
}

// waitErr waits until the feed has ended.
func (r *reader) waitErr() error {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(20 * time.Second):
		require.Fail(r.t, "the feed has not ended")
	}
	return r.err
}

func (r *reader) position() share.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

// set returns a write.
func set(key string, expect uint64, value string) share.Write {
	return share.Write{Key: key, Expect: expect, Version: rand.Uint64() | 1, Value: []byte(value)}
}

// fill creates n records.
func fill(t testing.TB, s share.Store, prefix string, n int) (batch []share.Write) {
	for i := range n {
		batch = append(batch, set(prefix+strconv.Itoa(i), 0, "value of "+strconv.Itoa(i)))
	}
	for i := 0; i < n; i += share.MaxWrites {
		require.NoError(t, s.Put(t.Context(), batch[i:min(i+share.MaxWrites, n)]))
	}
	return batch
}
