package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// restarts is a service that restarts again and again. Each registry is restored from the one
// before.
type restarts struct {
	*script
	rnd     *rand.Rand
	hosts   []restarted
	started time.Time // the current process
	timeout time.Duration
	found   int
}

type restarted struct {
	id     string
	ack    hostmgr.Ack
	joined time.Time
	dead   bool
	gone   bool
}

func (x *restarts) cleanup(_ context.Context, d hostmgr.Departure[string]) error {
	i, _ := strconv.Atoi(d.Host.ID)
	h := &x.hosts[i]
	if up := x.clock.Since(x.started); !h.dead || h.gone || up <= x.timeout {
		x.t.Fatalf("evicted %v after the start: %+v, %+v", up, d, *h)
	}
	if d.Host.Incarnation != h.ack.Incarnation || !d.Host.Joined.Equal(h.joined) || d.Host.Metadata != h.id {
		x.t.Fatalf("not what was restored: %+v, %+v", d, *h)
	}
	h.gone = true
	x.found++
	return nil
}

// run lets the process run. Live hosts send a heartbeat each interval, and some hosts crash.
func (x *restarts) run(d time.Duration) {
	for quarter := range int(d / (second / 4)) {
		x.clock.Advance(second / 4)
		for i := range x.hosts {
			h := &x.hosts[i]
			if i%4 != quarter%4 || h.dead {
				continue
			}
			if h.dead = x.rnd.IntN(500) == 0; h.dead {
				continue
			}
			if ack, err := x.Heartbeat(h.id, h.ack.Incarnation); err != nil || ack.Incarnation != h.ack.Incarnation {
				x.t.Fatalf("%s: %+v, %v", h.id, ack, err)
			}
		}
		x.Sweep(context.Background())
	}
}

// restart passes All of one registry to Restore of the next, after a downtime.
func (x *restarts) restart(cfg hostmgr.Config[string]) {
	old := x.Registry
	x.clock.Advance(time.Duration(x.rnd.Int64N(int64(time.Minute))))
	x.started = x.clock.Now()
	var err error
	x.Registry, err = hostmgr.New(cfg)
	require.NoError(x.t, err)
	n, err := x.Restore(old.All())
	require.NoError(x.t, err)
	require.Equal(x.t, old.Len(), n)
	require.Equal(x.t, n, x.Len())
}

// No live host is lost by many restarts, whatever the downtime, and each host keeps its data.
// Crashed hosts are evicted by a process that runs long enough.
func TestRestarts(t *testing.T) {
	x := &restarts{
		rnd: rand.New(rand.NewPCG(1, 5)), timeout: 2 * second,
		hosts: make([]restarted, times(4000, 100_000)),
	}
	cfg := hostmgr.Config[string]{Cleanup: x.cleanup}
	x.script = newScript(t, cfg)
	cfg.Clock, x.started = x.clock, x.clock.Now()
	for i := range x.hosts {
		id := strconv.Itoa(i)
		x.hosts[i] = restarted{id: id, joined: x.clock.Now(), ack: x.announce(hostmgr.Announcement[string]{
			ID: id, Metadata: id, Interval: second,
		})}
		x.clock.Advance(time.Microsecond)
	}
	for range times(20, 100) {
		x.run(time.Duration(1+x.rnd.IntN(14)) * second / 4)
		x.restart(cfg)
	}
	x.run(3 * second)

	dead := 0
	for i := range x.hosts {
		h := &x.hosts[i]
		switch {
		case h.gone:
			dead++
			continue
		case h.dead:
			dead++
		}
		got := x.get(h.id)
		require.Equal(t, h.ack.Incarnation, got.Incarnation)
		require.True(t, h.joined.Equal(got.Joined))
		require.Equal(t, h.id, got.Metadata)
	}
	late := dead - x.found // hosts that crashed a moment ago
	for i := range x.hosts {
		x.hosts[i].dead = true
	}
	require.Equal(t, x.Len(), x.after(2*second+1).Evicted)
	t.Log(dead, "died,", late, "of them just now,", "0 false evictions")
	require.NotZero(t, dead)
	require.Equal(t, len(x.hosts), x.found)
}
