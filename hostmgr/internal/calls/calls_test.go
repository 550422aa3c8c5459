package calls_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/calls"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

// A driver applies the limits to a call that ignores its context: at 30 s the context ends, and 10 s
// later the call is left behind, until it returns.
func TestTheLimitsOfACall(t *testing.T) {
	mock := clock.NewMock()
	s := newScript(mock, 8)
	require.Equal(t, monotime.Never, s.Plan(0))
	freed := 0
	p := s.NewPlace(t.Context(), func() { freed++ })
	ctx := p.Begin("call")
	require.Equal(t, 1, s.replans)
	require.EqualValues(t, 30*second, s.Plan(s.clock.Now()))

	mock.Add(30*second - 1)
	s.Expire()
	require.NoError(t, ctx.Err())
	mock.Add(1)
	s.Expire()
	require.ErrorIs(t, context.Cause(ctx), context.DeadlineExceeded)
	require.ErrorContains(t, context.Cause(ctx), "time limit of 30s")
	require.Equal(t, []any{"call"}, s.timedOut)
	require.Equal(t, calls.Stats{Running: 1, Timeouts: 1}, s.Stats())
	require.EqualValues(t, 40*second, s.Plan(s.clock.Now()))

	mock.Add(10*second - 1)
	s.Expire()
	require.Empty(t, s.left)
	mock.Add(1)
	s.Expire()
	require.Equal(t, []any{"call"}, s.left)
	require.Equal(t, 1, freed)
	<-p.LeftBehind()
	require.Equal(t, calls.Stats{Running: 1, Timeouts: 1, LeftBehind: 1}, s.Stats())
	require.Equal(t, monotime.Never, s.Plan(s.clock.Now()))

	require.True(t, p.End())
	require.Equal(t, calls.Stats{Timeouts: 1}, s.Stats())
}

func TestACallThatReturnsInTime(t *testing.T) {
	mock := clock.NewMock()
	s := newScript(mock, 8)
	p := s.NewPlace(t.Context(), nil)
	for range 100 {
		ctx := p.Begin("call")
		mock.Add(29 * second)
		s.Expire()
		require.NoError(t, ctx.Err())
		require.False(t, p.End())
		require.Error(t, ctx.Err(), "it ends with the call")
		require.Zero(t, s.Stats())
	}
	ctx := p.Begin("returns when its context ends")
	mock.Add(30 * second)
	s.Expire()
	<-ctx.Done()
	require.False(t, p.End())
	mock.Add(10 * second)
	require.NoError(t, p.Begin("next").Err())
	s.Expire()
	require.Empty(t, s.left)
	require.False(t, p.End())
}

// A context that ends for another reason is no timeout, but the 10 s count from there.
func TestTheParentEnds(t *testing.T) {
	mock := clock.NewMock()
	s := newScript(mock, 8)
	cause := errors.New("shutdown")
	parent, cancel := context.WithCancelCause(t.Context())
	p := s.NewPlace(parent, nil)
	ctx := p.Begin("call")
	mock.Add(second)
	cancel(cause)
	done := make(chan struct{})
	go func() { s.Drain(done); close(done) }()
	require.NoError(t, mock.BlockUntil(t.Context(), 2))
	mock.Add(10 * second)
	<-p.LeftBehind()
	require.Equal(t, cause, context.Cause(ctx))
	require.Equal(t, calls.Stats{Running: 1, LeftBehind: 1}, s.Stats())
	done <- struct{}{}
	<-done
	require.True(t, p.End())
}

// Beyond the number that may be left behind, a call keeps its place until one of those returns. Then
// the call that has waited longest is next.
func TestAtMostSoManyAreLeftBehind(t *testing.T) {
	mock := clock.NewMock()
	s := newScript(mock, 2)
	var places []*calls.Place
	for i := range 5 {
		p := s.NewPlace(t.Context(), nil)
		p.Begin(i)
		places = append(places, p)
		mock.Add(second)
	}
	for range 2 {
		mock.Add(40 * second)
		s.Expire()
	}
	require.Equal(t, []any{0, 1}, s.left)
	require.Equal(t, calls.Stats{Running: 5, Timeouts: 5, LeftBehind: 2}, s.Stats())
	require.Equal(t, monotime.Never, s.Plan(s.clock.Now()), "only a return helps")
	require.False(t, places[3].End())
	require.True(t, places[1].End())
	require.Equal(t, []any{0, 1, 2}, s.left)
	require.True(t, places[0].End())
	require.Equal(t, []any{0, 1, 2, 4}, s.left)
	require.Equal(t, calls.Stats{Running: 2, Oldest: int64(2 * second), Timeouts: 5, LeftBehind: 2}, s.Stats())
	for _, i := range []int{2, 4} {
		require.True(t, places[i].End())
	}
}

// Calls that come one at a time ask for a new plan once in a while, not each time.
func TestFewPlansForManyShortCalls(t *testing.T) {
	mock := clock.NewMock()
	s := newScript(mock, 8)
	p := s.NewPlace(t.Context(), nil)
	s.Plan(s.clock.Now())
	for range 300 {
		seen := s.replans
		p.Begin("call")
		if s.replans > seen {
			s.Plan(s.clock.Now())
		}
		p.End()
		s.Expire()
		s.Plan(s.clock.Now())
		mock.Add(second)
	}
	require.LessOrEqual(t, s.replans, 11)
}

// A fake clock steps back: the limit does not become longer.
func TestAClockThatStepsBack(t *testing.T) {
	mock := clock.NewMock()
	mock.Set(time.Unix(1_000_000, 0))
	s := newScript(mock, 8)
	mock.Add(time.Hour)
	p := s.NewPlace(t.Context(), nil)
	ctx := p.Begin("call")
	mock.Set(time.Unix(0, 0))
	s.Expire()
	mock.Add(30 * second)
	s.Expire()
	require.Error(t, ctx.Err())
	p.End()
}

// The longest Limit there is: no call reaches it.
func TestNoLimit(t *testing.T) {
	mock := clock.NewMock()
	s := newScript(mock, 8)
	s.Calls = calls.New(calls.Config{Clock: s.clock, Limit: 1<<63 - 1, MaxLeftBehind: 8, Replan: func() {}})
	mock.Add(time.Hour)
	p := s.NewPlace(t.Context(), nil)
	ctx := p.Begin("call")
	mock.Add(1000 * time.Hour)
	s.Expire()
	require.NoError(t, ctx.Err())
	require.Equal(t, monotime.Never, s.Plan(s.clock.Now()))
	done := make(chan struct{})
	close(done)
	require.False(t, p.Wait(done))
	p.End()
}
