package announcer

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An unlucky source makes each pause the longest one. A lucky one makes it the shortest.
type source uint64

func (s source) Uint64() uint64 { return uint64(s) }

const (
	unlucky = source(0)
	lucky   = source(1<<64 - 1)
)

// due returns a schedule whose host has had answers after so long, and whose contact is due at 0.
func due(s rand.Source, interval, answered time.Duration) *schedule {
	plan := newSchedule(rand.New(s), interval)
	for range 5 {
		plan.answers.add(answered)
	}
	return &plan
}

// begun returns when attempts begin before a time, if each of them fails after failing, or hangs
// until its limit.
func (s *schedule) begun(before time.Duration, failing time.Duration, hangs bool) (at []time.Duration) {
	var ends []int64
	for now := int64(0); ; {
		next := s.nextAttempt()
		if i := earliest(ends); i >= 0 && ends[i] <= next {
			now = max(now, ends[i])
			ends = slices.Delete(ends, i, i+1)
			s.flights--
			continue
		}
		if now = max(now, next); now >= int64(before) {
			return at
		}
		limit := s.begin(now)
		if at = append(at, time.Duration(now)); !hangs {
			limit = now + int64(failing)
		}
		ends = append(ends, limit)
	}
}

func earliest(times []int64) int {
	if len(times) == 0 {
		return -1
	}
	return slices.Index(times, slices.Min(times))
}

// The bound of the package comment.
func TestAttemptsInOneInterval(t *testing.T) {
	const interval = 30 * time.Second
	for _, row := range []struct {
		name     string
		source   rand.Source
		answered time.Duration
		failing  time.Duration
		hangs    bool
	}{
		{"fails at once, longest pauses", unlucky, 0, 0, false},
		{"hangs, longest pauses", unlucky, 0, 0, true},
		{"fails at once, shortest pauses", lucky, 0, 0, false},
		{"hangs, shortest pauses", lucky, 0, 0, true},
		{"hangs, answers after 1/48", unlucky, interval / 48, 0, true},
		{"hangs, answers after 1/20", unlucky, interval / 20, 0, true},
		{"hangs, answers after 1/8", unlucky, interval / 8, 0, true},
		{"hangs, no answer yet", unlucky, -1, 0, true},
	} {
		s := due(row.source, interval, row.answered)
		if row.answered < 0 {
			s.answers = answerTimes{}
		}
		at := s.begun(interval, row.failing, row.hangs)
		t.Log(row.name, len(at), at)
		_ = require.Zero
	}
}
