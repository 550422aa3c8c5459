package detector

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/effort"
)

func TestBoundariesToTheNanosecond(t *testing.T) {
	const contact = 1000
	for _, x := range []*Timeouts{
		{Interval: 100, Suspect: 150, Evict: 200},
		{Interval: 100, Evict: 200},
		{Interval: 100, Suspect: 150},
		{Interval: 100, Suspect: 50, Evict: 100},
		{Interval: 100},
		{Interval: 100, Suspect: MaxTimeout - 1, Evict: MaxTimeout},
	} {
		suspect, evict := expiry(contact, x.Suspect), expiry(contact, x.Evict)
		for _, now := range []int64{0, contact, contact + 100, contact + 101, suspect, suspect + 1, evict, evict + 1} {
			want := StateAlive
			switch {
			case now > evict:
				want = StateOffline
			case now > suspect:
				want = StateSuspect
			case now > contact+100:
				want = StateLate
			}
			v := Verdict{Word: 42}
			NewStalls(0).Assess(&v, contact, x, now)
			require.Equal(t, Verdict{
				Word: 42, Contact: min(contact, now), Silence: max(0, now-contact), State: want,
				SuspectAt: suspect, EvictAt: evict, ReviewAt: Never,
			}, v, "%+v at %d", x, now)
		}
	}
}

func TestNext(t *testing.T) {
	v := Verdict{SuspectAt: 15, EvictAt: 20, ReviewAt: Never}
	require.EqualValues(t, 16, v.Next(false))
	require.EqualValues(t, 21, v.Next(true))
	v.SuspectAt = Never
	require.EqualValues(t, 21, v.Next(false))
	v.ReviewAt = 10
	require.EqualValues(t, 10, v.Next(false))
	require.EqualValues(t, 10, v.Next(true))
	v = Verdict{SuspectAt: Never, EvictAt: Never, ReviewAt: Never}
	require.Equal(t, Never, v.Next(false))
}

func assess(s *Stalls, contact int64, t *Timeouts, now int64) (v Verdict) {
	s.Assess(&v, contact, t, now)
	return v
}

// At each moment the state is that of the model; and the deadlines are those that it has from then
// on if the registry goes on to observe its hosts.
func TestVerdictsAgainstAModel(t *testing.T) {
	for seed := range effort.Times[uint64](2000, 20_000) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		limit := int64(rnd.IntN(5))
		s, m := NewStalls(0), newModel(limit)
		s.SetThreshold(limit, false)
		for now := int64(0); now < 60; {
			now += int64(rnd.IntN(2 + rnd.IntN(8)))
			for range 4 {
				x, contact := someTimeouts(rnd), int64(rnd.IntN(int(now+1)))
				v := assess(s, contact, x, now)
				require.Equal(t, m.state(contact, x, now), v.State, "seed %d at %d: %+v: %+v\n%+v", seed, now, x, v, m)
				require.Equal(t, m.stallTime(contact, now), v.StallTime)
				require.Equal(t, now-contact, v.Silence+v.StallTime)
				if rnd.IntN(10) == 0 {
					foresee(t, m, v, x, now)
				}
			}
			if rnd.IntN(3) > 0 {
				sweep := rnd.IntN(2) == 0
				s.Observe(now)
				if sweep {
					s.SweepBegins(now)
				}
				m.observe(now, sweep)
			}
		}
	}
}

// foresee compares the deadlines of a verdict with the states to come in a model of its own.
func foresee(t *testing.T, m *model, v Verdict, x *Timeouts, now int64) {
	future := *m
	future.stalled = append([]bool(nil), m.stalled...)
	future.stalls = append([]Stall(nil), m.stalls...)
	future.calls = append([]call(nil), m.calls...)
	for at := now; at < now+80; at++ {
		future.observe(at, false)
		state := future.state(v.Contact, x, at)
		require.Equal(t, at > v.EvictAt, state == StateOffline, "at %d: %+v", at, v)
		require.Equal(t, at > min(v.SuspectAt, v.EvictAt), state >= StateSuspect, "at %d: %+v", at, v)
	}
}

// With a history timeouts may change with each contact, but not to less than the interval: no host
// needs a check before ReviewAt that it did not need before.
func TestReview(t *testing.T) {
	x := &Timeouts{Interval: 10, Suspect: 50, Evict: 100, NeedsHistory: true}
	v := assess(NewStalls(0), 5, x, 20)
	require.EqualValues(t, 30, v.ReviewAt)
	require.EqualValues(t, 30, v.Next(false))
}

// After a stall that a sweep has found, a heartbeat has the interval and a gap to arrive.
func TestAStallPostponesAnEviction(t *testing.T) {
	s := NewStalls(0)
	s.SetThreshold(5, false)
	x := &Timeouts{Interval: 100, Evict: 200}
	s.Observe(3)
	s.Observe(190)
	v := assess(s, 0, x, 190)
	require.EqualValues(t, 187, v.StallTime)
	require.EqualValues(t, 387, v.EvictAt, "200 of silence")
	for now := int64(190); now <= 382; now += 4 {
		s.Observe(now)
	}
	require.EqualValues(t, 387, assess(s, 0, x, 382).EvictAt)
	s.Observe(400)
	v = assess(s, 0, x, 400)
	require.EqualValues(t, 187+18, v.StallTime)
	require.EqualValues(t, 400+100+5, v.EvictAt, "an interval and a gap")
}

// A host that stays silent is evicted after twice its timeout, however often the registry stalls.
func TestStallsWithoutEndStillEvictTheDead(t *testing.T) {
	s := NewStalls(0)
	s.SetThreshold(10, false)
	x := &Timeouts{Interval: 100, Suspect: 150, Evict: 200}
	now, silence := int64(0), int64(0)
	for ; assess(s, 0, x, now).State != StateOffline && silence < 1000; silence += 10 {
		now += 10 // observed
		s.Observe(now)
		s.SweepBegins(now)
		now += 90 // stalled
		stall, gap := s.Observe(now)
		require.Equal(t, &Stall{From: now - 90, To: now, Limit: 10, before: s.Common().total - 90}, stall)
		require.Nil(t, gap)
	}
	require.EqualValues(t, 2*200+10, silence)
}

// The host is suspect until then, also if the policy suspects no host.
func TestAHostWithAPostponedEvictionIsSuspect(t *testing.T) {
	s := NewStalls(0)
	s.SetThreshold(10, false)
	x := &Timeouts{Interval: 100, Evict: 100}
	for now := int64(0); now <= 95; now += 5 {
		s.Observe(now)
	}
	s.Observe(295)
	v := assess(s, 0, x, 296)
	require.EqualValues(t, 400, v.EvictAt, "no more than twice the timeout")
	require.EqualValues(t, 300, v.SuspectAt)
	require.Equal(t, StateSuspect, assess(s, 0, x, 301).State)
}
