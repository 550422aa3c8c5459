package share_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A hostile is a Store that does what a test wants.
type hostile struct {
	share.Store
	put  func(ctx context.Context, b []share.Write) (done bool, err error)
	feed func(f share.Frame) []share.Frame
}

func (h *hostile) Put(ctx context.Context, b []share.Write) error {
	if h.put != nil {
		if done, err := h.put(ctx, b); done {
			return err
		}
	}
	return h.Store.Put(ctx, b)
}

func (h *hostile) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	return h.Store.Feed(ctx, after, func(f share.Frame) bool {
		frames := []share.Frame{f}
		if h.feed != nil {
			frames = h.feed(f)
		}
		for _, f := range frames {
			if !yield(f) {
				return false
			}
		}
		return true
	})
}

// keepAlive sends heartbeats to a process for some time. None may fail.
func (p *process) keepAlive(t *testing.T, id string, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(interval - time.Second) {
		_, err := p.hosts.Heartbeat(id, 0)
		require.NoError(t, err)
	}
}

func TestAStoreThatHangsEvictsNoHost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var hangs atomic.Bool
		memory := share.Memory()
		f := newFleet(t, memory, 2)
		release := make(chan struct{})
		f.store = &hostile{Store: memory, put: func(context.Context, []share.Write) (bool, error) {
			if hangs.Load() {
				<-release // whatever becomes of its context
			}
			return false, nil
		}}
		p := f.start("hangs")
		time.Sleep(11 * time.Second)
		require.True(t, p.member.Ready())
		p.announce(t, "h", peer{})
		time.Sleep(time.Second)
		hangs.Store(true)
		time.Sleep(10 * time.Second)
		require.False(t, p.member.Ready())
		for _, other := range f.processes[:2] {
			require.Len(t, other.member.Stats().Members, 2)
			require.Equal(t, 1, other.hosts.Len())
		}
		time.Sleep(time.Minute)
		require.Equal(t, 0, f.processes[0].hosts.Len(), "silent for its timeout")
		require.Equal(t, 0, p.hosts.Len(), "it can still read")
		hangs.Store(false)
		close(release)
		time.Sleep(15 * time.Second)
		require.True(t, p.member.Ready())
		require.Len(t, f.cleaned.all(), 1)
		f.stop()
	})
}

func TestAFeedThatRepeatsAndSkips(t *testing.T) {
	bubble(t, func(t *testing.T) {
		memory := share.Memory()
		f := newFleet(t, memory, 2)
		n := 0
		f.store = &hostile{Store: memory, feed: func(f share.Frame) []share.Frame {
			switch n++; {
			case n%37 == 0:
				return []share.Frame{f, f}
			case n%53 == 0 && len(f.Snapshot) == 0: // a page that is missing cannot be noticed
				return nil
			}
			return []share.Frame{f}
		}}
		p := f.start("lies")
		time.Sleep(11 * time.Second)
		p.hosts.Announce(hostmgr.Announcement[peer]{ID: "h", Interval: interval})
		for range 30 {
			p.hosts.Heartbeat("h", 0)
			time.Sleep(interval - time.Second)
			require.Equal(t, 1, f.processes[0].hosts.Len())
		}
		require.NotZero(t, p.member.Stats().FeedErrors)
		require.Zero(t, f.processes[0].hosts.Stats().Departures.Evicted)
		f.stop()
	})
}

func TestMalformedRecordsAreSkipped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := share.Memory()
		f := newFleet(t, store, 2)
		f.processes[0].announce(t, "mine", peer{})
		time.Sleep(time.Second)
		for i, key := range []string{"m/x", "h/x", "gone/x/1", "other", "h/y", "gone/x/y"} {
			require.NoError(t, store.Put(t.Context(), []share.Write{{Key: key, Version: uint64(i + 1), Value: []byte{byte(i), 1, 2}}}))
		}
		time.Sleep(time.Second)
		for _, p := range f.processes {
			require.EqualValues(t, 6, p.member.Stats().Malformed)
			require.Equal(t, 1, p.hosts.Len())
		}
		f.processes[0].keepAlive(t, "mine", time.Minute)
		require.Len(t, f.processes[0].member.Stats().Members, 2, "the unreadable member was silent, and is buried")
		f.processes[0].announce(t, "x", peer{}) // has an unreadable record
		time.Sleep(time.Minute)
		_, ok := f.processes[0].hosts.Get("x")
		require.True(t, ok, "never judged")
		_, ok = f.processes[1].hosts.Get("mine")
		require.False(t, ok)
		f.stop()
	})
}

func TestAMemberOfAnotherProtocolHoldsUpEvictions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := share.Memory()
		f := newFleet(t, store, 2)
		version := uint64(0)
		renew := func() {
			require.NoError(t, store.Put(t.Context(), []share.Write{{Key: "m/future", Expect: version, Version: version + 1, Value: []byte{99}}}))
			version++
		}
		renew()
		f.processes[0].announce(t, "h", peer{})
		for range 60 {
			time.Sleep(time.Second)
			renew()
		}
		require.Equal(t, 1, f.processes[0].hosts.Len(), "it cannot be known whether that member hears the host")
		time.Sleep(20 * time.Second)
		require.Equal(t, 0, f.processes[0].hosts.Len())
		f.stop()
	})
}

func TestRunAgainGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 2)
		r := mustRegistry(t)
		p, err := share.New(share.Config[peer]{Registry: r, Store: f.store})
		require.NoError(t, err)
		running, stop := context.WithCancel(t.Context())
		defer stop()
		go r.Run(running)
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- p.Run(ctx) }()
			time.Sleep(time.Second)
			require.ErrorIs(t, p.Run(ctx), hostmgr.ErrRunning)
			require.True(t, p.Ready())
			cancel()
			require.NoError(t, <-ended)
			require.False(t, p.Ready())
			time.Sleep(time.Second)
			require.Len(t, f.processes[0].member.Stats().Members, 2)
		}
		f.stop()
	})
}

// While Run does not run, the registry stays a shared one: it evicts no host. The next Run
// compares.
func TestTheNextRunLearnsWhatHasHappened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 2)
		r := mustRegistry(t)
		p, err := share.New(share.Config[peer]{Registry: r, Store: f.store})
		require.NoError(t, err)
		running, stop := context.WithCancel(t.Context())
		defer stop()
		go r.Run(running)
		run := func() (end func()) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- p.Run(ctx) }()
			time.Sleep(time.Second)
			return func() { cancel(); require.NoError(t, <-ended) }
		}
		end := run()
		for _, id := range []string{"dies", "roams", "replaced"} {
			_, err = r.Announce(hostmgr.Announcement[peer]{ID: id, Interval: interval, Incarnation: 7})
			require.NoError(t, err)
		}
		time.Sleep(time.Second)
		end()
		for range 5 {
			_, err := f.processes[0].hosts.Heartbeat("roams", 0)
			require.NoError(t, err)
			_, err = f.processes[0].hosts.Announce(hostmgr.Announcement[peer]{ID: "replaced", Interval: interval, Incarnation: 8})
			require.NoError(t, err)
			time.Sleep(interval - time.Second)
		}
		require.Equal(t, 2, f.processes[1].hosts.Len())
		require.Equal(t, 3, r.Len())
		end = run()
		require.Equal(t, 2, r.Len())
		h, ok := r.Get("replaced")
		require.True(t, ok)
		require.EqualValues(t, 8, h.Incarnation)
		time.Sleep(time.Second)
		require.Len(t, f.cleaned.all(), 2, "each departure once")
		end()
		f.stop()
	})
}

func mustRegistry(t *testing.T) *hostmgr.Registry[peer] {
	r, err := hostmgr.New(hostmgr.Config[peer]{})
	require.NoError(t, err)
	return r
}

func TestNewChecksItsConfig(t *testing.T) {
	for name, c := range map[string]share.Config[peer]{
		"no registry": {Store: share.Memory()},
		"no store":    {Registry: mustRegistry(t)},
		"lapse":       {Registry: mustRegistry(t), Store: share.Memory(), Lapse: time.Second},
		"name":        {Registry: mustRegistry(t), Store: share.Memory(), Name: strings.Repeat("x", 257)},
	} {
		_, err := share.New(c)
		require.ErrorIs(t, err, hostmgr.ErrInvalid, name)
	}
}

func TestFlushEndsWithItsContext(t *testing.T) {
	m, err := share.New(share.Config[peer]{Registry: mustRegistry(t), Store: share.Memory()})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, m.Flush(ctx), context.Canceled, "nothing runs")
}
