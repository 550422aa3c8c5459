package hostmgr_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A book has the lines of one message.
type book struct {
	message string

	mu    sync.Mutex // guards lines
	lines []map[string]slog.Value
}

func (b *book) logger() *slog.Logger {
	return slog.New(lineHandler(func(l slog.Record) error {
		if l.Message != b.message {
			return nil
		}
		attrs := map[string]slog.Value{}
		l.Attrs(func(a slog.Attr) bool {
			attrs[a.Key] = a.Value
			return true
		})
		b.mu.Lock()
		defer b.mu.Unlock()
		b.lines = append(b.lines, attrs)
		return nil
	}))
}

// numbers returns what the lines have under a key.
func (b *book) numbers(key string) (all []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.lines {
		n, err := strconv.Atoi(line[key].String())
		if err != nil {
			panic(err)
		}
		all = append(all, n)
	}
	return all
}

func sum(all []int) (n int) {
	for _, x := range all {
		n += x
	}
	return n
}

func (s *script) joinAll(from, to, zones int) {
	s.t.Helper()
	for i := from; i < to; i++ {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Zone: fmt.Sprint("zone ", i%zones), Interval: second})
	}
}

// A line has the evictions since the line before, and describes the first of them.
func TestEvictionsAreTallied(t *testing.T) {
	log := book{message: "evicted hosts"}
	s := newScript(t, hostmgr.Config[string]{Logger: log.logger(), Confirm: func(_ context.Context, due hosts) (hosts, error) {
		return due, nil
	}})
	s.joinAll(0, 312, 3)
	s.after(3 * second)
	require.Equal(t, []int{312}, log.numbers("hosts"), "at once, by the same Sweep")
	require.Equal(t, []int{3}, log.numbers("zones"))
	first := log.numbers("first")[0]
	require.Equal(t, fmt.Sprint("zone ", first%3), log.lines[0]["zone"].String())
	require.Equal(t, "silent for 3s, timeout 2s at an interval of 1s", log.lines[0]["reason"].String())

	s.joinAll(0, 5, 1)
	require.NoError(t, s.Evict(t.Context(), "4", 0, "its disk is full"))
	s.after(second / 2)
	require.Len(t, log.lines, 1, "there is a pause of a second")
	next, ok := s.Next()
	require.True(t, ok)
	require.Equal(t, second/2, next.Sub(s.clock.Now()), "but it is due")
	s.after(second / 2)
	require.Equal(t, []int{312, 1}, log.numbers("hosts"))
	require.Contains(t, log.lines[1]["reason"].String(), "evicted by the embedder: its disk is full; ")
	s.after(30 * second)
	require.Equal(t, []int{312, 1, 4}, log.numbers("hosts"))
	require.Equal(t, 1, log.numbers("zones")[2])
}

// Zones are counted as the eviction limit counts them.
func TestEvictionsOfManyZones(t *testing.T) {
	log := book{message: "evicted hosts"}
	s := newScript(t, hostmgr.Config[string]{Logger: log.logger()})
	s.joinAll(0, 1000, 500)
	s.after(3 * second)
	require.Equal(t, []int{65}, log.numbers("zones"), "64 and the other ones")
}

// Hosts die for ten minutes: there are few lines, and each eviction is in one, though no sweep is
// due for it.
func TestEvictionsHaveFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := book{message: "evicted hosts"}
		r, err := hostmgr.New(hostmgr.Config[string]{Logger: log.logger(), StallThreshold: -1})
		require.NoError(t, err)
		stop := run(t, r)
		defer stop()
		for i := range 10_000 {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second})
			require.NoError(t, err)
			time.Sleep(60 * time.Millisecond)
		}
		time.Sleep(12 * time.Second)
		require.EqualValues(t, 10_000, r.Stats().Departures.Evicted)
		require.Equal(t, 10_000, sum(log.numbers("hosts")))
		require.InDelta(t, 65, len(log.numbers("hosts")), 2)

		time.Sleep(time.Minute)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour})
		require.NoError(t, err)
		require.NoError(t, r.Evict(t.Context(), "a", 0, "why not"))
		synctest.Wait()
		require.Equal(t, 10_001, sum(log.numbers("hosts")), "a line does not wait for a sweep")
	})
}

// The end of Run tells of the evictions that no line has told of.
func TestTheEndOfRunTellsOfEvictions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := book{message: "evicted hosts"}
		r, err := hostmgr.New(hostmgr.Config[string]{Logger: log.logger()})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 10 {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i)})
			require.NoError(t, err)
			require.NoError(t, r.Evict(t.Context(), strconv.Itoa(i), 0, "why not"))
			synctest.Wait()
		}
		require.Equal(t, []int{1}, log.numbers("hosts"))
		stop()
		require.Equal(t, []int{1, 9}, log.numbers("hosts"))
	})
}
