package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// tick is what beats and sweeps of a town are aligned to; freezes are not.
const tick = 10 * time.Millisecond

// A town is thousands of hosts that beat at their intervals, until some die, and a
// registry that is swept periodically, but for pauses. It fails the test as soon as a host
// that lives is evicted, or one that is dead has been found too late.
type town struct {
	*script
	rnd    *rand.Rand
	policy hostmgr.Policy
	maxGap time.Duration
	period time.Duration // of sweeps
	now    time.Duration // real time
	swept  time.Duration
	gaps   [][2]time.Duration // between sweeps, that were longer than usual
	stalls int                // of them, those that were too long to be normal
	people []person
	diary  [][]int32 // who beats next, by tick, around and around
	dead   int
	found  int
}

type person struct {
	id       string
	interval time.Duration
	next     time.Duration // beat
	heard    time.Duration
	died     time.Duration
	gone     bool
}

const alive = time.Duration(1<<63 - 1)

var townIntervals = []time.Duration{2 * second, 3 * second, 5 * second, 10 * second, 20 * second}

func newTown(t *testing.T, seed uint64, hosts int) *town {
	w := &town{rnd: rand.New(rand.NewPCG(seed, 4)), diary: make([][]int32, 20*second/tick+2)}
	w.policy = []hostmgr.Policy{hostmgr.Multiple(2), hostmgr.Tiered{Jitter: 5 * second, Offline: 20 * second}}[seed%2]
	w.maxGap = []time.Duration{second / 2, second, 2 * second}[w.rnd.IntN(3)]
	w.period = time.Duration(1+w.rnd.Int64N(int64(w.maxGap/tick/2))) * tick
	w.script = newScript(t, hostmgr.Config[string]{Policy: w.policy, MaxGap: w.maxGap, Cleanup: w.cleanup})
	w.people = make([]person, hosts)
	for i := range w.people {
		p := &w.people[i]
		*p = person{id: strconv.Itoa(i), died: alive, interval: townIntervals[w.rnd.IntN(len(townIntervals))]}
		w.announce(hostmgr.Announcement[string]{ID: p.id, Interval: p.interval})
		w.plan(i, p.interval)
	}
	return w
}

// plan has a host beat next in at most d, or at the next tick.
func (w *town) plan(i int, d time.Duration) {
	p, soonest := &w.people[i], w.now/tick+1
	p.next = (soonest + time.Duration(w.rnd.Int64N(max(0, int64((w.now+d)/tick-soonest))+1))) * tick
	w.enter(i)
}

// goOn has a host whose beats did not get through beat next, an interval after the last of
// those at the latest.
func (w *town) goOn(i int) {
	p := &w.people[i]
	last := p.next
	if w.now-last >= p.interval { // there was another one
		last = w.now - time.Duration(w.rnd.Int64N(int64(p.interval)))
	}
	w.plan(i, last+p.interval-w.now)
}

func (w *town) enter(i int) {
	day := &w.diary[w.people[i].next/tick%time.Duration(len(w.diary))]
	*day = append(*day, int32(i))
}

func (w *town) move(to time.Duration) {
	w.clock.Advance(to - w.now)
	w.now = to
}

// pass lets time pass; nobody sweeps meanwhile if the driver is starved.
func (w *town) pass(d time.Duration, starved bool) {
	end := w.now + d
	for at := w.now/tick*tick + tick; at <= end; at += tick {
		w.move(at)
		due := !starved && w.now-w.swept >= w.period
		first := w.rnd.IntN(2) == 0
		if due && first {
			w.sweep()
		}
		w.beats()
		if due && !first {
			w.sweep()
		}
	}
	w.move(end)
}

func (w *town) beats() {
	today := w.now / tick % time.Duration(len(w.diary))
	people := w.diary[today]
	w.diary[today] = nil
	for _, i := range people {
		p := &w.people[i]
		if p.next != w.now || p.died <= w.now {
			continue // it beats at another time, or no more
		}
		w.hear(p)
		if w.rnd.IntN(2) == 0 {
			p.next += p.interval // not a moment too soon
			w.enter(int(i))
		} else {
			w.plan(int(i), p.interval)
		}
	}
	if w.diary[today] == nil {
		w.diary[today] = people[:0]
	}
}

func (w *town) hear(p *person) {
	if _, err := w.Heartbeat(p.id, 0); err != nil && !p.gone {
		w.t.Fatalf("%s: %v", p.id, err)
	}
	p.heard = w.now
}

func (w *town) sweep() {
	if w.now-w.swept > w.period+tick {
		w.gaps = append(w.gaps, [2]time.Duration{w.swept, w.now})
	}
	if w.now-w.swept > w.maxGap {
		w.stalls++
	}
	w.swept = w.now
	w.Sweep(context.Background())
}

func (w *town) cleanup(_ context.Context, d hostmgr.Departure[string]) error {
	i, _ := strconv.Atoi(d.Host.ID)
	p := &w.people[i]
	p.gone = true
	w.found++
	if p.died > w.now || w.now-p.heard <= d.Patience {
		w.t.Fatalf("evicted though it lives: %+v, %+v, now %v, gaps %v", d, *p, w.now, w.gaps)
	}
	if latest := w.latest(p, d.Patience); w.now > latest {
		w.t.Fatalf("found %v too late: %+v, %+v, now %v, gaps %v", w.now-latest, d, *p, w.now, w.gaps)
	}
	return nil
}

// latest is when a dead host must have been found: one period of sweeps after its deadline
// and all pauses since it was heard, or after the grace that follows the last of them.
func (w *town) latest(p *person, patience time.Duration) time.Duration {
	deadline, grace := p.heard+patience, time.Duration(0)
	for _, g := range w.gaps {
		deadline += max(0, g[1]-max(g[0], p.heard))
		if g[1]-g[0] > w.maxGap {
			grace = g[1] + p.interval + w.maxGap
		}
	}
	return max(deadline, grace) + w.period + tick
}

// freeze stops the process. The beats of the meantime are lost, or come all at its end,
// before or after the sweep that finds out.
func (w *town) freeze(d time.Duration) {
	end, fate := w.now+d, w.rnd.IntN(3)
	var late []*person
	w.move(end)
	for i := range w.people {
		p := &w.people[i]
		if p.next > end {
			continue
		}
		if p.next < p.died {
			late = append(late, p)
		}
		w.goOn(i)
	}
	for _, step := range [][]int{{0, 3}, {1, 0, 3}, {0, 1, 3}}[fate] {
		switch step {
		case 0:
			w.sweep()
		case 1:
			for _, p := range late {
				w.hear(p)
			}
		}
	}
}

// A pause is one kind of deafness at one time.
type pause struct {
	after, length time.Duration
	starved       bool // beats arrive
}

// pauses are up to three: with more in a row, living hosts may use up twice their patience.
// Only one, if it may pass for a normal gap, in which nothing is excused.
func (w *town) pauses() (all []pause) {
	for range 1 + w.rnd.IntN(3) {
		p := pause{after: time.Duration(w.rnd.Int64N(int64(30 * second)))}
		lengths := []time.Duration{
			second, 10 * second, time.Minute, 10 * time.Minute, time.Hour,
			time.Duration(w.rnd.Int64N(int64(2 * time.Minute))), time.Duration(w.rnd.Int64N(int64(5 * second))),
		}
		p.length = lengths[w.rnd.IntN(len(lengths))]
		p.starved = p.length <= time.Minute && w.rnd.IntN(4) == 0
		if p.length <= w.maxGap {
			return []pause{p}
		}
		all = append(all, p)
	}
	return all
}

// kill lets so many hosts die: in the pauses, between them, and after.
func (w *town) kill(n int, pauses []pause) {
	for _, i := range w.rnd.Perm(len(w.people))[:n] {
		var from, length time.Duration
		for _, p := range pauses[:w.rnd.IntN(len(pauses)+1)] {
			from += p.after + p.length
			length = p.length
		}
		if from == 0 || w.rnd.IntN(2) == 0 {
			length = -30 * second // not in that pause, but after it
		}
		w.people[i].died = from - time.Duration(w.rnd.Float64()*float64(length))
	}
	w.dead = n
}

// TestDeaf: ten thousand hosts of mixed intervals, a hundred of which die, and a process
// that is frozen at any time for a second or an hour: nobody who lives is evicted, and
// every dead one is found when promise 4 says.
func TestDeaf(t *testing.T) {
	stalls := 0
	for seed := range times(4, 1000) {
		w := newTown(t, uint64(seed), times(2000, 10_000))
		pauses := w.pauses()
		w.kill(100, pauses)
		for _, p := range pauses {
			w.pass(p.after, false)
			if p.starved {
				w.pass(p.length, true)
			} else {
				w.freeze(p.length)
			}
		}
		w.pass(100*second, false)
		require.Equal(t, w.dead, w.found, "seed %d", seed)
		require.Equal(t, len(w.people)-w.dead, w.Len())
		require.EqualValues(t, w.stalls, w.Stats().Stalls)
		stalls += w.stalls
	}
	t.Log(stalls, "stalls, 0 false evictions")
	require.NotZero(t, stalls)
}

// TestDeafAgainAndAgain: the process stalls 600 ms of every second, so that nobody is ever
// without grace. Who lives is heard at the end of each stall at the latest; who is dead is
// gone when twice its patience has been counted, which at 400 ms a second takes no more than
// five times its patience, and two seconds.
func TestDeafAgainAndAgain(t *testing.T) {
	for seed := range times(1, 100) {
		w := newTown(t, uint64(seed), times(1000, 10_000))
		w.script = newScript(t, hostmgr.Config[string]{
			Policy: w.policy, MaxGap: second / 2,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				i, _ := strconv.Atoi(d.Host.ID)
				p := &w.people[i]
				p.gone = true
				w.found++
				if p.died > w.now || w.now-p.heard > 5*d.Patience+2*second {
					t.Fatalf("%+v, %+v, now %v", d, *p, w.now)
				}
				return nil
			},
		})
		for i := range w.people {
			w.announce(hostmgr.Announcement[string]{ID: w.people[i].id, Interval: w.people[i].interval})
		}
		w.kill(100, nil)
		w.period = tick
		for w.now < 250*second {
			w.pass(400*time.Millisecond, false)
			w.lateBeats(600 * time.Millisecond)
		}
		require.Equal(t, w.dead, w.found, "seed %d", seed)
		require.EqualValues(t, 250, w.Stats().Stalls)
	}
}

// lateBeats is a freeze whose beats come at its end, in full.
func (w *town) lateBeats(d time.Duration) {
	from := w.now
	w.move(from + d)
	for i := range w.people {
		if p := &w.people[i]; p.next <= w.now {
			if p.next < p.died {
				w.hear(p)
			}
			w.goOn(i)
		}
	}
	w.sweep()
}

// A stepped clock shows a time that was set, but its Since does not know of that.
type stepped struct {
	*clockwork.FakeClock
	step *time.Duration
}

func (s stepped) Now() time.Time                  { return s.FakeClock.Now().Add(*s.step) }
func (s stepped) Since(t time.Time) time.Duration { return s.FakeClock.Since(t) }

// TestDeafToTheWallClock: it is stepped by an hour or a year, back or forth, with hosts at
// any moment of their intervals. Nobody who lives is evicted, whether or not the clock has
// a monotonic reading; with one, the dead are found as if nothing had happened.
func TestDeafToTheWallClock(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, step := range []time.Duration{-time.Hour, time.Hour, -year, year} {
		for seed := range uint64(times(1, 50)) {
			t.Run(step.String(), func(t *testing.T) {
				w := newTown(t, seed, times(1000, 10_000))
				w.pass(time.Duration(w.rnd.Int64N(int64(20*second))), false)
				w.clock.Advance(step) // for all that the registry knows, time passed
				w.pass(60*second, false)
				require.Equal(t, len(w.people), w.Len())
			})
			t.Run(step.String()+" monotonic", func(t *testing.T) {
				w := newTown(t, seed, times(1000, 10_000))
				var face time.Duration
				var err error
				w.Registry, err = hostmgr.New(hostmgr.Config[string]{
					Policy: w.policy, MaxGap: w.maxGap, Cleanup: w.cleanup, Clock: stepped{w.clock, &face},
				})
				require.NoError(t, err)
				for i := range w.people {
					w.announce(hostmgr.Announcement[string]{ID: w.people[i].id, Interval: w.people[i].interval})
				}
				w.kill(100, nil)
				w.pass(time.Duration(w.rnd.Int64N(int64(20*second))), false)
				face = step
				w.pass(100*second, false)
				require.Zero(t, w.Stats().Stalls)
				require.Equal(t, w.dead, w.found)
			})
		}
	}
}
