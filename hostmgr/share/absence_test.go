package share_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// A line is the Store of one process, which can be cut off. Its feed does not survive that.
type line struct {
	share.Store
	cut atomic.Bool
}

var errCut = errors.New("cut off")

func (l *line) Put(ctx context.Context, batch []share.Write) error {
	if l.cut.Load() {
		return errCut
	}
	return l.Store.Put(ctx, batch)
}

func (l *line) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	if l.cut.Load() {
		return errCut
	}
	return l.Store.Feed(ctx, after, func(f share.Frame) bool { return !l.cut.Load() && yield(f) })
}

// loseHost makes the table lose its tail, as far as the creation of the record of a host. Then
// another process writes more than was lost.
func loseHost(t *testing.T, store share.Store, id string, other *process) {
	t.Helper()
	tab := store.(interface{ Table() *table.Table }).Table()
	has := func() (found bool) {
		require.NoError(t, store.Feed(t.Context(), share.Position{}, func(f share.Frame) bool {
			for _, r := range f.Snapshot {
				found = found || r.Key == record.HostKey(id)
			}
			return !f.Synced
		}))
		return found
	}
	lost := 0
	for has() {
		lost += tab.Lose(1)
	}
	for i := range lost + 10 {
		other.announce(t, fmt.Sprint("more", i), peer{})
	}
	time.Sleep(time.Second)
}

// absence lets a process be away while the table loses the record of its host.
func absence(t *testing.T, meanwhile func(t *testing.T, p *process), check func(t *testing.T, p, other *process, ack hostmgr.Ack)) {
	bubble(t, func(t *testing.T) {
		store := share.Memory()
		f := newFleet(t, store, 2)
		defer f.stop()
		l := &line{Store: store}
		f.store = l
		p, other := f.start("away"), f.processes[0]
		time.Sleep(11 * time.Second)
		ack := p.announce(t, "h", peer{})
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, 1, other.hosts.Len())

		l.cut.Store(true)
		meanwhile(t, p)
		loseHost(t, store, "h", other)
		l.cut.Store(false)
		time.Sleep(2 * time.Second)
		require.True(t, p.member.Ready())
		check(t, p, other, ack)
		require.NotZero(t, p.member.Stats().Losses)
	})
}

// Both processes have read the record of the host. It is missing in the next snapshot of the one
// that was away, and nothing in that snapshot shows that the table has lost it.
func TestAHostWhoseRecordIsLostLives(t *testing.T) {
	absence(t, func(*testing.T, *process) {}, func(t *testing.T, p, other *process, ack hostmgr.Ack) {
		_, err := p.hosts.Heartbeat("h", 0)
		require.NoError(t, err)
		for _, x := range []*process{p, other} {
			h, ok := x.hosts.Get("h")
			require.True(t, ok, x.name)
			require.Equal(t, ack.Registration, h.Registration)
			require.Empty(t, x.departures())
		}
	})
}

// The host leaves at the process that is away. That is written, although the table has lost the
// host: the other processes still have it.
func TestALeaveIsWrittenAlthoughTheRecordIsLost(t *testing.T) {
	absence(t, func(t *testing.T, p *process) {
		require.NoError(t, p.hosts.Leave(t.Context(), "h", 0))
	}, func(t *testing.T, p, other *process, ack hostmgr.Ack) {
		_, ok := other.hosts.Get("h")
		require.False(t, ok)
		require.Len(t, other.departures(), 1)
		d := other.departures()[0]
		require.Equal(t, hostmgr.DepartureLeft, d.Kind)
		require.Equal(t, ack.Registration, d.Host.Registration)
		require.Len(t, p.cleaned.all(), 1)
	})
}
