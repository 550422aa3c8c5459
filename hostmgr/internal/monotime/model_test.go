package monotime_test

import (
	"flag"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

// So many checks, unless the command line says otherwise.
func init() { _ = flag.Set("rapid.checks", "1000") }

// A naive Clock for one goroutine: the clock's reading, less where it was anchored.
type naive struct {
	tolerated, floor int64
	start            time.Time // of time 0, by the present anchor
	steps            int
}

func (m *naive) now(reading time.Time) int64 {
	now := min(int64(reading.Sub(m.start)), monotime.Last)
	if back, forth := m.floor-now, now-m.floor; back > m.tolerated || forth >= monotime.Never/2 {
		m.start = reading.Add(-time.Duration(m.floor))
		m.steps++
		return m.floor
	}
	return max(now, m.floor)
}

// Steps forth and back of all sizes, and jitter.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tolerated := time.Duration(rapid.Int64Range(-1, int64(time.Minute)).Draw(t, "tolerated"))
		f := newFake()
		c, steps := follow(f, tolerated)
		m := naive{tolerated: int64(max(tolerated, time.Second)), start: f.now}
		size := rapid.SampledFrom([]time.Duration{
			1, time.Millisecond, time.Second, time.Minute, time.Hour, 40 * year,
		})
		step := func(t *rapid.T, sign time.Duration) {
			share := rapid.IntRange(0, 2000).Draw(t, "thousandths")
			f.step(sign * time.Duration(share) * (size.Draw(t, "size")/1000 + 1))
		}
		t.Repeat(map[string]func(*rapid.T){
			"forth":  func(t *rapid.T) { step(t, 1) },
			"back":   func(t *rapid.T) { step(t, -1) },
			"read":   func(t *rapid.T) { require.Equal(t, m.now(f.now), c.Now()) },
			"sync":   func(*rapid.T) { c.SyncWall() },
			"toEdge": func(*rapid.T) { f.now = m.start.Add(time.Duration(m.floor - m.tolerated)) },
			"advance": func(t *rapid.T) {
				now := c.Now()
				require.Equal(t, m.now(f.now), now)
				c.AdvanceFloor(now)
				m.floor = max(m.floor, now)
			},
			"advanceLess": func(t *rapid.T) {
				c.AdvanceFloor(rapid.Int64Range(0, m.floor).Draw(t, "n"))
			},
			"": func(t *rapid.T) {
				require.Equal(t, m.floor, c.Floor())
				require.Equal(t, m.steps, *steps)
				require.Equal(t, m.start.Add(time.Duration(m.floor)), c.Wall(m.floor))
				require.Equal(t, m.start.Add(time.Duration(m.floor)), c.Reading(m.floor))
				require.Equal(t, m.floor, c.FromWall(c.Wall(m.floor), min(m.floor+1, monotime.Last)))
			},
		})
	})
}

// An unsteady clock may be read and stepped at once.
type unsteady struct {
	clock.Clock
	elapsed atomic.Int64
}

func (u *unsteady) Now() time.Time { return time.Unix(0, u.elapsed.Load()) }

// Many goroutines read a clock that steps forth and back. No reading is earlier than the floor
// was, and the time does not run faster than the clock steps forth.
func TestConcurrentUse(t *testing.T) {
	u := &unsteady{}
	c := monotime.New(u, 0, func() {})
	var wg sync.WaitGroup
	var forth atomic.Int64
	for i := range 4 {
		wg.Go(func() {
			for k := range 2000 {
				floor := c.Floor()
				now := c.Now()
				most := forth.Load() // loaded after the reading, so that it includes all steps in it
				if now < floor || now > most {
					t.Errorf("read %d, though the floor was %d and the steps forth %d", now, floor, most)
					return
				}
				if k%3 == 0 {
					c.AdvanceFloor(now)
				}
				if k%16 == i {
					forth.Add(int64(time.Second))
					u.elapsed.Add(int64(time.Second))
				}
				if k%64 == i {
					u.elapsed.Add(-int64(3 * time.Second))
				}
				if k%50 == 0 {
					c.SyncWall()
				}
			}
		})
	}
	wg.Wait()
}
