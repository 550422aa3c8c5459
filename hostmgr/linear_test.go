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

// Concurrent histories are checked against one host as a sequential program would have
// it: there must be an order of the calls, each at a moment between its beginning and its
// end, in which every answer is right.
//
// Time is the difficulty: a call reads the clock at one moment and takes effect at a
// later one, and clocks move meanwhile. So the model does not know when a host was heard,
// but between which readings: those that the caller made before and after. An eviction is
// an operation of its own, with the evidence that its departure states, and a sweep is
// one on every host: after it nobody is there who was certainly due when it began.

// A deed is one call on one host, or one departure, and what was answered.
type deed struct {
	what        string
	id          string
	incarnation uint64
	interval    time.Duration
	age         time.Duration
	call, end   int64         // its place in real time
	lo, hi      time.Duration // the clock before and after

	err   error
	lease hostmgr.Lease
	there bool                 // Get
	host  hostmgr.Host[string] // Get, and evictions
	seen  time.Duration        // likewise
	at    time.Duration        // of an eviction
}

func (d *deed) String() string {
	return fmt.Sprintf("%d-%d at %d-%d %s %s #%d %v age %v: %+v %v there %t life %d seen %d at %d", d.call, d.end,
		d.lo, d.hi, d.what, d.id, d.incarnation, d.interval, d.age, d.lease, d.err, d.there, d.host.Life, d.seen, d.at)
}

// A linear is one host of the sequential program.
type linear struct {
	alive       bool
	incarnation uint64
	life        uint64 // the latest, also when it is over
	interval    time.Duration
	lo, hi      time.Duration // heard between these
}

var linearModel = porcupine.Model{
	Init: func() any { return linear{} },
	Step: func(state, input, _ any) (bool, any) {
		s := state.(linear)
		ok := s.step(input.(*deed))
		return ok, s
	},
}

// step tells whether a deed may come next, and does it.
func (s *linear) step(d *deed) bool {
	switch d.what {
	case "announce":
		return s.announce(d)
	case "heartbeat", "observe":
		ok := errors.Is(d.err, s.fence(d.incarnation))
		if ok && d.err == nil {
			s.heard(d)
			// Its interval is read a moment before the beat counts, so that is not asked about.
			ok = d.what == "observe" || d.lease.Incarnation == s.incarnation && d.lease.Life == s.life
		}
		return ok
	case "leave", "forget":
		want := s.fence(d.incarnation)
		s.alive = s.alive && want != nil
		return errors.Is(d.err, want) || want == nil && d.what == "leave" && errors.Is(d.err, hostmgr.ErrCleanupPending)
	case "get":
		return d.there == s.alive && (!d.there || s.shows(d))
	case "evicted":
		ok := s.alive && d.host.Life == s.life && d.host.Interval == s.interval &&
			s.lo <= d.seen && d.seen <= s.hi && d.at-d.seen > 2*s.interval
		s.alive = false
		return ok
	default: // sweep
		return !s.alive || d.lo-s.hi <= 2*s.interval
	}
}

func (s *linear) fence(incarnation uint64) error {
	switch {
	case !s.alive || incarnation > s.incarnation:
		return hostmgr.ErrUnknownHost
	case incarnation != 0 && incarnation < s.incarnation:
		return hostmgr.ErrStale
	}
	return nil
}

func (s *linear) announce(d *deed) bool {
	switch {
	case s.alive && d.incarnation != 0 && d.incarnation < s.incarnation:
		return errors.Is(d.err, hostmgr.ErrStale)
	case s.alive && (d.incarnation == 0 || d.incarnation == s.incarnation):
		s.interval = d.interval
		s.heard(d)
		return d.err == nil && d.lease == hostmgr.Lease{Interval: s.interval, Incarnation: s.incarnation, Life: s.life}
	}
	ok := d.err == nil && d.lease.Life > s.life && d.lease.Interval == d.interval &&
		(d.incarnation == 0 || d.lease.Incarnation == d.incarnation)
	*s = linear{true, d.lease.Incarnation, d.lease.Life, d.interval, d.lo, d.hi}
	return ok
}

// heard: the later of what was known and what the call read.
func (s *linear) heard(d *deed) {
	s.lo, s.hi = max(s.lo, d.lo-d.age), max(s.hi, d.hi-d.age)
}

// shows tells whether Get may have shown the host so. It shows a beat that is younger than
// its own reading of the clock as heard then: so what lies before that call is exact, and
// what does not may be later in truth.
func (s *linear) shows(d *deed) bool {
	ok := d.host.Life == s.life && d.host.Incarnation == s.incarnation && d.host.Interval == s.interval &&
		d.seen <= s.hi && d.seen <= d.hi && (d.seen >= s.lo || d.seen >= d.lo)
	s.lo = max(s.lo, d.seen)
	if d.seen < d.lo {
		s.hi = d.seen
	}
	return ok
}

// A hesitant clock lets others go on between its reading and the use of that.
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

// A chronicle is one concurrent history.
type chronicle struct {
	*hostmgr.Registry[string]
	clock *clockwork.FakeClock
	start time.Time
	order atomic.Int64
	mu    sync.Mutex
	deeds []*deed
	ended map[uint64]int // departures by life
	crowd int            // hosts that are there besides
}

func newChronicle(t *testing.T) *chronicle {
	c := &chronicle{clock: clockwork.NewFakeClock(), ended: map[uint64]int{}}
	c.start = c.clock.Now()
	var err error
	c.Registry, err = hostmgr.New(hostmgr.Config[string]{Clock: hesitant{c.clock}, Cleanup: c.cleanup})
	require.NoError(t, err)
	return c
}

func (c *chronicle) now() time.Duration { return c.clock.Since(c.start) }

func (c *chronicle) cleanup(_ context.Context, d hostmgr.Departure[string]) error {
	e := &deed{what: "evicted", id: d.Host.ID, host: d.Host, seen: d.Host.LastSeen.Sub(c.start), at: d.At.Sub(c.start)}
	e.end = c.order.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended[d.Host.Life]++
	if d.Kind == hostmgr.Evicted {
		c.deeds = append(c.deeds, e)
	}
	return nil
}

func (c *chronicle) do(d *deed) {
	d.lo, d.call = c.now(), c.order.Add(1)
	switch ctx := context.Background(); d.what {
	case "announce":
		d.lease, d.err = c.Announce(hostmgr.Announcement[string]{ID: d.id, Incarnation: d.incarnation, Interval: d.interval})
	case "heartbeat":
		d.lease, d.err = c.Heartbeat(d.id, d.incarnation)
	case "observe":
		d.err = c.Observe(d.id, d.incarnation, d.age)
	case "leave":
		d.err = c.Leave(ctx, d.id, d.incarnation)
	case "forget":
		d.err = c.Forget(d.id, d.incarnation)
	case "get":
		d.host, d.there = c.Get(d.id)
		d.seen = d.host.LastSeen.Sub(c.start)
	case "sweep":
		c.Sweep(ctx)
	}
	d.end, d.hi = c.order.Add(1), c.now()
	c.mu.Lock()
	c.deeds = append(c.deeds, d)
	c.mu.Unlock()
}

var linearIDs = []string{"a", "b", "c"}

// grow has others join, or leave, until there are so many.
func (c *chronicle) grow(to int) {
	for ; c.crowd < to; c.crowd++ {
		_, _ = c.Announce(hostmgr.Announcement[string]{ID: fmt.Sprint("crowd", c.crowd), Interval: time.Hour})
	}
	for ; c.crowd > to; c.crowd-- {
		_ = c.Forget(fmt.Sprint("crowd", c.crowd-1), 0)
	}
}

// write has four goroutines do fifty things each, and then looks at what remains. Meanwhile
// the crowd may change so that the page of the hosts splits, or is merged with others.
func (c *chronicle) write(crowd ...int) {
	c.clock.Advance(time.Second) // so that no age reaches back before the registry
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
			c.do(&deed{what: last, id: id})
		}
		c.clock.Advance(time.Second)
	}
}

func (c *chronicle) act() {
	d := &deed{id: linearIDs[rand.IntN(len(linearIDs))], interval: time.Duration(1+rand.IntN(2)) * 10 * time.Millisecond}
	if rand.IntN(2) == 0 {
		d.incarnation = uint64(1 + rand.IntN(4))
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

// history is what happened to one host. An eviction happened at the earliest when a sweep
// began that read the clock as the departure says.
func (c *chronicle) history(id string) (h []porcupine.Operation) {
	for _, d := range c.deeds {
		if d.what == "evicted" {
			d.call = d.end
			for _, s := range c.deeds {
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

// TestLinear: whatever many do to a host at the same time, there is an order of it that
// explains every answer; and each life had one departure.
func TestLinear(t *testing.T) {
	seen := map[string]int{}
	for n := range times(400, 10_000) {
		c := newChronicle(t)
		switch n % 20 {
		case 0:
			c.write(1595 + rand.IntN(40)) // beyond 1638 a page splits
		case 1:
			c.write(1700, 520+rand.IntN(40)) // at 512 they merge
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
		require.EqualValues(t, st.Joins-st.Forgotten, len(c.ended))
		for life, times := range c.ended {
			require.Equal(t, 1, times, "departures of life %d", life)
		}
		c.count(seen)
	}
	t.Log(seen)
	for _, what := range []string{
		"announce", "announce stale", "heartbeat", "heartbeat unknown", "heartbeat stale", "observe", "leave",
		"forget", "get", "evicted", "evicted while it was beaten", "replaced",
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

// count counts what happened, so that a test that proves nothing shows.
func (c *chronicle) count(seen map[string]int) {
	for _, d := range c.deeds {
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
		for _, b := range c.deeds {
			if b.what == "heartbeat" && b.id == d.id && b.call < d.end && d.call < b.end {
				seen["evicted while it was beaten"]++
				break
			}
		}
	}
	seen["replaced"] += int(c.Stats().Replaced)
}
