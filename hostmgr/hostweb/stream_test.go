package hostweb_test

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

func TestStreamGivesReasons(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		join(t, r, "dies")
		synctest.Wait() // for the first sweep
		began := time.Now()
		v := view(t, h)
		defer v.close()
		u := v.next()
		require.True(t, u.All)
		require.Equal(t, 1, u.Stats.Hosts)
		require.Len(t, u.Points, 2, "what the first sweep took, and the present")
		require.Equal(t, "text/event-stream", v.header.Get("Content-Type"))
		require.Equal(t, "no-store", v.header.Get("Cache-Control"))

		d := v.departure()
		require.Equal(t, "dies", d.ID)
		require.Equal(t, "evicted", d.Kind)
		require.Equal(t, "z", d.Zone)
		require.Equal(t, "data of dies", d.About)
		require.Equal(t, "evicted: silent for 2.01s, timeout 2s at an interval of 1s", d.Reason)
		require.InDelta(t, 2, d.Silence, 0.01)
		require.Equal(t, []float64{1, 2, 0, 0}, []float64{d.Interval, d.Timeout, d.StallTime, d.HeldFor})
		require.Less(t, time.Since(began), 2300*time.Millisecond, "it arrives at once, not at the next tick")

		join(t, r, "leaves")
		time.Sleep(second / 2)
		require.NoError(t, r.Leave(t.Context(), "leaves", 0))
		d = v.departure()
		require.Equal(t, "left: it left", d.Reason)

		u = v.next()
		require.False(t, u.All)
		require.Len(t, u.Points, 1, "only what is new")
		require.Equal(t, []int{0, 1, 1, 2}, []int{u.Stats.Hosts, u.Stats.Departures.Evicted, u.Stats.Departures.Left, u.Stats.Joins})
		time.Sleep(3 * second)
		var sum pointAnswer
		for _, p := range read[struct{ Points []pointAnswer }](t, h, "/api/history").Points {
			sum.Left, sum.Evicted = sum.Left+p.Left, sum.Evicted+p.Evicted
		}
		require.Equal(t, pointAnswer{Left: 1, Evicted: 1}, sum, "each is counted once")
		kept := read[struct{ Departures []departureAnswer }](t, h, "/api/departures").Departures
		require.Equal(t, []string{"leaves", "dies"}, []string{kept[0].ID, kept[1].ID})
	})
}

// A host that is killed goes through its states on the page, without a reload.
func TestHostGoesThroughItsStates(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		join(t, r, "dies")
		v := view(t, h)
		defer v.close()
		var states []string
		for gone := false; !gone; {
			time.Sleep(time.Second / 10)
			hosts := read[hostsAnswer](t, h, "/api/hosts?search=dies").Hosts
			if gone = len(hosts) == 0; !gone && (len(states) == 0 || states[len(states)-1] != hosts[0].State) {
				states = append(states, hosts[0].State)
			}
		}
		require.Equal(t, []string{"alive", "late", "suspect"}, states)
	})
}

// goroutines returns how many goroutines are in a handler.
func goroutines() int {
	stacks := make([]byte, 1<<20)
	text := string(stacks[:runtime.Stack(stacks, true)])
	n := 0
	for _, method := range []string{"events", "watch", "sample"} {
		n += strings.Count(text, "hostweb.(*Handler[...])."+method+"(")
	}
	return n
}

// Without viewers there is no goroutine. A goroutine left at the end would also fail the bubble.
func TestNothingRunsWithoutViewers(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		requireRunning := func(n int) {
			t.Helper()
			synctest.Wait()
			for i := 0; i < 1000 && goroutines() != n; i++ { // an ended goroutine is visible for a moment
				runtime.Gosched()
			}
			require.Equal(t, n, goroutines())
		}
		for _, target := range []string{"/", "/api/stats", "/api/hosts", "/api/departures", "/api/history", "/app.js"} {
			require.Equal(t, http.StatusOK, do(h, http.MethodGet, target).Code)
		}
		requireRunning(0)

		first, second := view(t, h), view(t, h)
		require.True(t, first.next().All)
		require.True(t, second.next().All)
		requireRunning(4) // two streams, and two that feed both
		first.close()
		require.Equal(t, 1, second.next().Stats.Viewers)
		second.close()
		requireRunning(0)

		join(t, r, "unseen")
		require.NoError(t, r.Leave(t.Context(), "unseen", 0))
		time.Sleep(5 * time.Second)
		left := 0
		for _, p := range read[struct{ Points []pointAnswer }](t, h, "/api/history").Points {
			left += p.Left
		}
		require.Equal(t, 1, left)
		departures := read[struct{ Departures []departureAnswer }](t, h, "/api/departures").Departures
		require.Len(t, departures, 1)
		require.Equal(t, "data of unseen", departures[0].About)
		requireRunning(0)
	})
}

// All viewers share one feed: each departure is described once, and the next viewer gets it too.
func TestViewersShareAFeed(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		var described atomic.Int32
		h.Describe = func(string) string { described.Add(1); return "" }
		var viewers []*viewer
		for range 5 {
			v := view(t, h)
			v.next()
			viewers = append(viewers, v)
		}
		join(t, r, "a")
		require.NoError(t, r.Leave(t.Context(), "a", 0))
		for _, v := range viewers {
			require.Equal(t, "a", v.departure().ID)
			v.close()
		}
		require.EqualValues(t, 1, described.Load())

		time.Sleep(3 * time.Second)
		v := view(t, h)
		defer v.close()
		require.Equal(t, "a", v.departure().ID)
		time.Sleep(11 * time.Minute)
		kept := read[struct{ Points []pointAnswer }](t, h, "/api/history").Points
		require.Len(t, kept, 600)
	})
}

func TestTooManyViewers(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, _ *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		var viewers []*viewer
		for range 64 {
			v := view(t, h)
			v.next()
			viewers = append(viewers, v)
		}
		w := do(h, http.MethodGet, "/events")
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, "10", w.Header().Get("Retry-After"))
		require.JSONEq(t, `{"error": "too many viewers"}`, w.Body.String())
		viewers[0].close()
		viewers[0] = view(t, h)
		require.True(t, viewers[0].next().All)
		for _, v := range viewers {
			v.close()
		}
	})
}

// A viewer that does not read delays no other one. When it reads again it gets the current state.
func TestSlowViewer(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		slow, quick := view(t, h), view(t, h)
		slow.next()
		quick.next()
		got := 0
		for i := range 300 {
			join(t, r, fmt.Sprint(i))
			require.NoError(t, r.Leave(t.Context(), fmt.Sprint(i), 0))
			if i%10 == 9 {
				for got <= i {
					got += len(quick.next().Departures)
				}
			}
		}
		require.Equal(t, 300, got)
		require.Less(t, time.Since(quick.next().Stats.Now), 2*second)

		slow.next() // the update that was being written
		u := slow.next()
		require.Len(t, u.Departures, 200)
		require.Equal(t, "299", u.Departures[199].ID)
		require.Equal(t, 300, u.Stats.Departures.Left)
		require.Less(t, time.Since(u.Stats.Now), 2*second)
		slow.close()
		quick.close()
	})
}

// The page says how many departures it missed when there were too many.
func TestMissedEvents(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		stuck := make(chan struct{})
		h.Describe = func(string) string { <-stuck; return "" }
		v := view(t, h)
		defer v.close()
		v.next()
		for i := range 5000 {
			join(t, r, fmt.Sprint(i))
			require.NoError(t, r.Leave(t.Context(), fmt.Sprint(i), 0))
		}
		synctest.Wait()
		close(stuck)
		u := v.next()
		for u.Missed == 0 {
			u = v.next()
		}
		require.Greater(t, u.Missed, 4096)
		require.Equal(t, u.Missed, read[struct{ Missed int }](t, h, "/api/departures").Missed)
		join(t, r, "after")
		require.NoError(t, r.Leave(t.Context(), "after", 0))
		for v.departure().ID != "after" {
		}
	})
}

// A stopped source adds nothing, so an event that was stuck in it does not appear later.
func TestStoppedSource(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		stuck := make(chan struct{})
		h.Describe = func(string) string { <-stuck; return "" }
		first := view(t, h)
		first.next()
		join(t, r, "a")
		require.NoError(t, r.Leave(t.Context(), "a", 0))
		synctest.Wait()
		first.close()
		second := view(t, h)
		require.Empty(t, second.next().Departures, "its text is still being made")
		close(stuck)
		time.Sleep(3 * time.Second)
		require.Len(t, second.next().Departures, 1, "once")
		require.Empty(t, second.next().Departures)
		second.close()
	})
}

// A stream has a deadline for each write, and ends when a write fails.
func TestStreamEndsWithItsViewer(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, _ *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		v := view(t, h)
		v.next()
		_ = v.pipe.CloseWithError(errors.New("timed out"))
		<-v.done
		require.WithinRange(t, v.expires, time.Now(), time.Now().Add(time.Minute))
		v.close()

		v = view(t, h)
		v.next()
		time.Sleep(second / 2)
		ended := time.Now()
		v.close()
		require.Zero(t, time.Since(ended), "its context has ended")
	})
}
