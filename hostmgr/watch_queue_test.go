package hostmgr_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

type kilobyte = *[1 << 10]byte

// A reader is a watcher that reads events one by one, when the test says so.
type reader struct {
	*hostmgr.Registry[kilobyte]
	t       *testing.T
	next    chan struct{}
	last    hostmgr.Event[kilobyte] // the latest event, without the metadata
	remains []weak.Pointer[[1 << 10]byte]
}

// newReader returns a reader of a registry with n hosts. It must be called in a bubble.
func newReader(t *testing.T, n int) *reader {
	r, err := hostmgr.New(hostmgr.Config[kilobyte]{})
	require.NoError(t, err)
	w := &reader{Registry: r, t: t, next: make(chan struct{})}
	for i := range n {
		w.announce(fmt.Sprint(i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for e := range r.Watch(ctx) {
			e.Host.Metadata = nil
			w.last = e
			<-w.next
		}
	}()
	t.Cleanup(func() {
		cancel()
		close(w.next)
	})
	return w
}

// announce announces a host whose metadata only the registry refers to.
func (w *reader) announce(id string) {
	data := new([1 << 10]byte)
	w.remains = append(w.remains, weak.Make(data))
	_, err := w.Announce(hostmgr.Announcement[kilobyte]{ID: id, Metadata: data})
	require.NoError(w.t, err)
}

func (w *reader) read(events int) {
	for range events {
		w.next <- struct{}{}
	}
	synctest.Wait()
}

// kept returns how much metadata of the first n announcements is still in memory.
func (w *reader) kept(n int) (kept int) {
	runtime.GC()
	for _, p := range w.remains[:n] {
		if p.Value() != nil {
			kept++
		}
	}
	return kept
}

// Events that a watcher has read are released, although more events are queued.
func TestAQueueReleasesEventsThatWereRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newReader(t, 0)
		synctest.Wait()
		for range 1000 {
			w.announce("a")
		}
		require.Equal(t, 1000, w.kept(1000), "all of it is queued, and the last is there")
		w.read(1 + 640 + 1)
		require.Equal(t, hostmgr.EventUpdated, w.last.Kind)
		require.Zero(t, w.kept(640))
		require.Equal(t, 300, w.kept(1000)-w.kept(700), "what is to come")
	})
}

// A watcher falls behind in the middle of its snapshot. That snapshot is released.
func TestAWatcherThatFallsBehindKeepsNothingOfItsFirstSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hosts = 3000 // in several buckets
		w := newReader(t, hosts)
		synctest.Wait()
		require.Equal(t, hostmgr.EventJoined, w.last.Kind)
		for range 5000 {
			w.announce(w.last.Host.ID)
		}
		for i := range hosts {
			require.NoError(t, w.Leave(t.Context(), fmt.Sprint(i), 0))
		}
		require.Greater(t, w.kept(hosts), 100)
		for w.last.Kind == hostmgr.EventJoined {
			w.read(1)
		}
		require.Equal(t, hostmgr.EventMissed, w.last.Kind)
		require.Zero(t, w.kept(hosts))
	})
}
