package hostmgr_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

var linearModel = porcupine.Model{
	Init: func() any { return linear{} },
	Step: func(state, input, _ any) (bool, any) {
		s := state.(linear)
		ok := s.step(input.(*operation))
		return ok, s
	},
}

// A hesitant clock lets other goroutines run between its reading and the use of the reading.
type hesitant struct{ *clockwork.FakeClock }

func (h hesitant) Now() time.Time {
	yield()
	now := h.FakeClock.Now()
	yield()
	return now
}

func (h hesitant) Since(t time.Time) time.Duration { return h.Now().Sub(t) }

func yield() {
	if rand.IntN(4) == 0 {
		runtime.Gosched()
	}
}

// A concurrentHistory records the calls of one concurrent history.
type concurrentHistory struct {
	*hostmgr.Registry[string]
	clock      *clockwork.FakeClock
	start      time.Time
	order      atomic.Int64
	mu         sync.Mutex
	operations []*operation
	ended      map[uint64]int // departures by registration
	crowd      int            // the number of other hosts
	base       uint64         // of incarnations: above those that the registry assigns
}

func newConcurrentHistory(t *testing.T) *concurrentHistory {
	c := &concurrentHistory{clock: clockwork.NewFakeClock(), ended: map[uint64]int{}}
	c.start = c.clock.Now()
	c.base = uint64(c.start.Add(time.Hour).UnixNano())
	var err error
	c.Registry, err = hostmgr.New(hostmgr.Config[string]{Clock: hesitant{c.clock}, Cleanup: c.cleanup})
	require.NoError(t, err)
	return c
}

func (c *concurrentHistory) now() time.Duration { return c.clock.Since(c.start) }

func (c *concurrentHistory) cleanup(_ context.Context, d hostmgr.Departure[string]) error {
	e := &operation{what: "evicted", id: d.Host.ID, host: d.Host, seen: d.Host.LastContact.Sub(c.start), at: d.At.Sub(c.start)}
	e.end = c.order.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended[d.Host.Registration]++
	if d.Kind == hostmgr.DepartureEvicted {
		c.operations = append(c.operations, e)
	}
	return nil
}

func (c *concurrentHistory) do(d *operation) {
	d.lo, d.call = c.now(), c.order.Add(1)
	switch ctx := context.Background(); d.what {
	case "announce":
		d.ack, d.err = c.Announce(hostmgr.Announcement[string]{ID: d.id, Incarnation: d.incarnation, Interval: d.interval})
	case "heartbeat":
		d.ack, d.err = c.Heartbeat(d.id, d.incarnation)
	case "observe":
		d.err = c.Observe(d.id, d.incarnation, d.age)
	case "leave":
		d.err = c.Leave(ctx, d.id, d.incarnation)
	case "forget":
		d.err = c.Forget(d.id, d.incarnation)
	case "get":
		d.host, d.there = c.Get(d.id)
		d.seen = d.host.LastContact.Sub(c.start)
	case "sweep":
		c.Sweep(ctx)
	}
	d.end, d.hi = c.order.Add(1), c.now()
	c.mu.Lock()
	c.operations = append(c.operations, d)
	c.mu.Unlock()
}

var linearIDs = []string{"a", "b", "c"}

// grow lets other hosts join or leave until there are this many.
func (c *concurrentHistory) grow(to int) {
	for ; c.crowd < to; c.crowd++ {
		_, _ = c.Announce(hostmgr.Announcement[string]{ID: fmt.Sprint("crowd", c.crowd), Interval: time.Hour})
	}
	for ; c.crowd > to; c.crowd-- {
		_ = c.Forget(fmt.Sprint("crowd", c.crowd-1), 0)
	}
}

// write makes fifty calls on each of four goroutines, and then checks which hosts remain. Meanwhile
// the number of other hosts may change, so that the bucket of the hosts is split, or merged with
// others.
func (c *concurrentHistory) write(crowd ...int) {
	c.clock.Advance(time.Second) // so that no age reaches back to before the registry was made
	for _, size := range crowd {
		c.grow(size)
	}
	var wg sync.WaitGroup
	var ready atomic.Int32
	if c.crowd > 1000 {
		wg.Go(func() { c.grow(c.crowd + 60) })
	} else if c.crowd > 0 {
		wg.Go(func() { c.grow(c.crowd - 60) })
	}
	for range 4 {
		wg.Go(func() {
			for ready.Add(1); ready.Load() < 4; {
				runtime.Gosched()
			}
			for range 50 {
				c.act()
			}
		})
	}
	wg.Wait()
	c.grow(0)
	for _, last := range []string{"get", "sweep", "get"} {
		for _, id := range linearIDs {
			c.do(&operation{what: last, id: id})
		}
		c.clock.Advance(time.Second)
	}
}

func (c *concurrentHistory) act() {
	d := &operation{id: linearIDs[rand.IntN(len(linearIDs))], interval: time.Duration(1+rand.IntN(2)) * 10 * time.Millisecond}
	if rand.IntN(4) < 3 { // they grow, or what ended would refuse all that follow
		d.incarnation = c.base + uint64(c.order.Load()/20) + uint64(rand.IntN(4))
	}
	switch n := rand.IntN(100); {
	case n < 15:
		c.clock.Advance(time.Duration(rand.IntN(25)) * time.Millisecond)
		d.what = "get"
	case n < 35:
		d.what = "sweep"
	case n < 57:
		d.what = "announce"
	case n < 87:
		d.what = "heartbeat"
	case n < 92:
		d.what, d.age = "observe", time.Duration(rand.IntN(20))*time.Millisecond
	case n < 96:
		d.what = "leave"
	default:
		d.what = "forget"
	}
	c.do(d)
}

// history returns the operations on one host. An eviction happened at the earliest when a sweep
// began whose reading of the clock is the time of the departure.
func (c *concurrentHistory) history(id string) (h []porcupine.Operation) {
	for _, d := range c.operations {
		if d.what == "evicted" {
			d.call = d.end
			for _, s := range c.operations {
				if s.what == "sweep" && s.lo <= d.at && d.at <= s.hi {
					d.call = min(d.call, s.call)
				}
			}
		}
		if d.id == id || d.what == "sweep" {
			h = append(h, porcupine.Operation{Input: d, Call: d.call, Return: d.end})
		}
	}
	return h
}

// Many goroutines call the registry for one host at the same time. There is an order of the calls
// that explains every answer, and each registration has one departure.
func TestLinear(t *testing.T) {
	seen := map[string]int{}
	for n := range times(400, 10_000) {
		c := newConcurrentHistory(t)
		switch n % 20 {
		case 0:
			c.write(1595 + rand.IntN(40)) // beyond 1638 hosts a bucket splits
		case 1:
			c.write(1700, 520+rand.IntN(40)) // at 512 hosts they merge
		default:
			c.write()
		}
		for _, id := range linearIDs {
			h := c.history(id)
			if res := porcupine.CheckOperationsTimeout(linearModel, h, time.Minute); res != porcupine.Ok {
				t.Fatalf("history %d of %s: %s\n%s", n, id, res, tell(h))
			}
		}
		st := c.Stats()
		require.Zero(t, st.Hosts)
		require.EqualValues(t, st.Joins-st.Departures.Forgotten, len(c.ended))
		for registration, times := range c.ended {
			require.Equal(t, 1, times, "departures of registration %d", registration)
		}
		c.count(seen)
	}
	t.Log(seen)
	for _, what := range []string{
		"announce", "announce stale", "heartbeat", "heartbeat unknown", "heartbeat stale", "observe", "leave",
		"forget", "get", "evicted", "evicted during a heartbeat", "replaced",
	} {
		require.NotZero(t, seen[what], "%s: never happened", what)
	}
}

func tell(h []porcupine.Operation) string {
	slices.SortFunc(h, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var b strings.Builder
	for _, op := range h {
		fmt.Fprintln(&b, op.Input)
	}
	return b.String()
}

// count counts the kinds of operations, so that a test without some of them fails.
func (c *concurrentHistory) count(seen map[string]int) {
	for _, d := range c.operations {
		name := d.what
		if errors.Is(d.err, hostmgr.ErrStale) {
			name += " stale"
		} else if errors.Is(d.err, hostmgr.ErrUnknownHost) {
			name += " unknown"
		}
		seen[name]++
		if d.what != "evicted" {
			continue
		}
		for _, b := range c.operations {
			if b.what == "heartbeat" && b.id == d.id && b.call < d.end && d.call < b.end {
				seen["evicted during a heartbeat"]++
				break
			}
		}
	}
	seen["replaced"] += int(c.Stats().Departures.Replaced)
}
