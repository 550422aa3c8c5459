package calls_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/calls"
)

// A naiveCall is a call of the model, which looks at all calls each time.
type naiveCall struct {
	place        *calls.Place
	ctx          context.Context
	began, ended time.Duration // ended is when its context ended, or 0
	timedOut     bool
	left         bool
}

// A model is a script and the calls that are under way, in the order in which they began.
type model struct {
	*script
	mock     *clock.Mock
	now      time.Duration
	most     int
	calls    []*naiveCall
	timeouts uint64
}

// expire is what Expire must do.
func (m *model) expire() {
	for _, c := range m.calls {
		if c.ended == 0 && m.now-c.began >= 30*second {
			c.ended, c.timedOut = m.now, true
			m.timeouts++
		}
	}
	m.leave()
}

// leave leaves calls behind, by the order in which their contexts ended.
func (m *model) leave() {
	for m.count() < m.most {
		var next *naiveCall
		for _, c := range m.calls {
			if due := c.ended > 0 && !c.left && m.now-c.ended >= 10*second; due && (next == nil || c.ended < next.ended) {
				next = c
			}
		}
		if next == nil {
			return
		}
		next.left = true
	}
}

func (m *model) count() (left int) {
	for _, c := range m.calls {
		if c.left {
			left++
		}
	}
	return left
}

func (m *model) check(t *rapid.T) {
	want := calls.Stats{Running: len(m.calls), LeftBehind: m.count(), Timeouts: m.timeouts}
	if len(m.calls) > 0 {
		want.Oldest = int64(m.calls[0].began)
	}
	require.Equal(t, want, m.Stats())
	for _, c := range m.calls {
		require.Equal(t, c.ended > 0, c.ctx.Err() != nil)
		if c.timedOut {
			require.ErrorIs(t, context.Cause(c.ctx), context.DeadlineExceeded)
		}
		select {
		case <-c.place.LeftBehind():
			require.True(t, c.left)
		default:
			require.False(t, c.left)
		}
	}
}

func (m *model) begin(t *rapid.T) {
	p := m.NewPlace(t.Context(), nil)
	m.calls = append(m.calls, &naiveCall{place: p, ctx: p.Begin(nil), began: m.now})
}

func (m *model) end(t *rapid.T) {
	if len(m.calls) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.calls)-1).Draw(t, "call")
	c := m.calls[i]
	require.Equal(t, c.left, c.place.End())
	m.calls = append(m.calls[:i:i], m.calls[i+1:]...)
	if c.left {
		m.expire()
	}
}

// Calls begin and end at random, while time passes.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mock := clock.NewMock()
		m := &model{mock: mock, most: rapid.IntRange(0, 4).Draw(t, "most")}
		m.script = newScript(mock, m.most)
		t.Repeat(map[string]func(*rapid.T){
			"":      m.check,
			"begin": m.begin,
			"end":   m.end,
			"expire": func(t *rapid.T) {
				d := time.Duration(rapid.Int64Range(1, 25).Draw(t, "seconds")) * second
				mock.Add(d)
				m.now += d
				m.Expire()
				m.expire()
			},
		})
	})
}
