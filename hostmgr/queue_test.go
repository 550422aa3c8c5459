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

// A reader is a watcher that reads one event after the other when it is told to.
type reader struct {
	*hostmgr.Registry[kilobyte]
	t       *testing.T
	next    chan struct{}
	last    hostmgr.Event[kilobyte] // that it has read, without the metadata
	remains []weak.Pointer[[1 << 10]byte]
}

// newReader is one of n hosts that are there already. It is to be called in a bubble.
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

// announce announces a host with metadata of which only the registry knows from then on.
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

// kept is what there is still of the first n announcements.
func (w *reader) kept(n int) (kept int) {
	runtime.GC()
	for _, p := range w.remains[:n] {
		if p.Value() != nil {
			kept++
		}
	}
	return kept
}

// What a watcher has read is not kept for it, though more is queued behind.
func TestAQueueKeepsNothingThatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newReader(t, 0)
		synctest.Wait()
		for range 1000 {
			w.announce("a")
		}
		require.Equal(t, 1000, w.kept(1000), "all of it is queued, and the last is there")
		w.read(1 + 640 + 1)
		require.Equal(t, hostmgr.Updated, w.last.Kind)
		require.Zero(t, w.kept(640))
		require.Equal(t, 300, w.kept(1000)-w.kept(700), "what is to come")
	})
}

// Nor is what was shown to one that falls behind in the middle of it.
func TestWhoStartsOverKeepsNothingOfTheFirstSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hosts = 3000 // some pages
		w := newReader(t, hosts)
		synctest.Wait()
		require.Equal(t, hostmgr.Joined, w.last.Kind)
		for range 5000 {
			w.announce(w.last.Host.ID)
		}
		for i := range hosts {
			require.NoError(t, w.Leave(t.Context(), fmt.Sprint(i), 0))
		}
		require.Greater(t, w.kept(hosts), 100)
		for w.last.Kind == hostmgr.Joined {
			w.read(1)
		}
		require.Equal(t, hostmgr.Missed, w.last.Kind)
		require.Zero(t, w.kept(hosts))
	})
}
