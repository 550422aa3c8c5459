package asynclog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/internal/asynclog"
)

// pauses returns the pauses after lines that come as soon as they may, or later by wait.
func pauses(p *asynclog.Pace, lines int, wait time.Duration) (all []time.Duration) {
	for range lines {
		at := p.End() + int64(wait)
		p.Line(at)
		all = append(all, time.Duration(p.End()-at))
	}
	return all
}

func TestPausesGrowWhileLinesCome(t *testing.T) {
	grown := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second}
	var p asynclog.Pace
	require.False(t, p.Holds(0))
	require.Equal(t, grown, pauses(&p, 6, 0))
	require.True(t, p.Holds(p.End()-1))
	require.False(t, p.Holds(p.End()))
	require.Equal(t, []time.Duration{time.Second}, pauses(&p, 1, 10*time.Second), "it was quiet")
	require.Equal(t, grown[1:], pauses(&p, 5, 10*time.Second-1), "that is not quiet")
	require.False(t, p.Holds(0), "the clock went back")
	p.Line(0)
	require.EqualValues(t, time.Second, p.End())
}

// However lines come, there are at most 110 in ten minutes.
func TestLinesInTenMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p asynclog.Pace
		lines := 0
		for at := int64(0); at < int64(10*time.Minute); at += rapid.Int64Range(1, 12e9).Draw(t, "ns") {
			if !p.Holds(at) {
				p.Line(at)
				lines++
			}
		}
		require.LessOrEqual(t, lines, 110)
	})
}
