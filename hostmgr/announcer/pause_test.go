package announcer_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// monotonic is a reading with a monotonic part, which readings in a bubble do not have.
var monotonic = time.Now()

// A computer is the clock of a bubble, with a wall clock that can be stepped. After a suspension
// the wall clock has moved, and the monotonic clock has not.
type computer struct {
	clock.Clock
	began time.Time
	step  atomic.Int64
}

func newComputer() *computer { return &computer{Clock: clock.System(), began: time.Now()} }

func (c *computer) Now() time.Time {
	return steppedWall(monotonic.Add(time.Since(c.began)), time.Duration(c.step.Load()))
}

// steppedWall moves the wall clock of a reading, and keeps its monotonic part. Package time has no
// function for that. So this changes the bits of a Time that hold the wall clock.
func steppedWall(t time.Time, step time.Duration) time.Time {
	const nanoseconds = 1<<30 - 1
	to := t.Round(0).Add(step)
	wall := (*uint64)(unsafe.Pointer(&t))
	*wall += uint64(to.Unix()-t.Unix()) << 30
	*wall = *wall&^nanoseconds | uint64(to.Nanosecond())
	return t
}

// After a suspension the host announces itself within a few seconds, and keeps its phase.
func TestASuspendedHostAnnouncesItselfAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		machine := newComputer()
		c.Clock = machine
		p := start(t, c)
		phase(w)
		for _, suspended := range []time.Duration{40 * second, 10 * time.Minute, 20 * time.Hour} {
			pass(3 * second)
			machine.step.Add(int64(suspended))
			pass(4 * second) // an eighth of the interval
			require.Len(t, w.calls(), 1, suspended)
			pass(30 * second)
			require.Len(t, w.calls(), 1)
			pass(30 * second)
			require.Len(t, w.calls(), 1)
		}
		require.NoError(t, p.ends())
	})
}

// A step of the wall clock back changes nothing, and neither does a small correction.
func TestAStepOfTheWallClockIsNoSilence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		machine := newComputer()
		c.Clock = machine
		p := start(t, c)
		phase(w)
		due := p.only().LastContact
		for _, step := range []time.Duration{-time.Hour, -second, 100 * time.Millisecond, -10 * time.Hour} {
			machine.step.Add(int64(step))
			pass(30 * second)
			require.Len(t, w.calls(), 1, step)
		}
		require.Equal(t, 120*second, p.only().LastContact.Sub(due)) // by the monotonic clock
		require.NoError(t, p.ends())
	})
}

// A process that was stopped is late when it goes on. It announces itself at once, and keeps its
// phase.
func TestAStoppedProcessAnnouncesItselfAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := clockwork.NewFakeClock()
		w := newWire(t, hostmgr.Config[string]{Clock: fake})
		c := w.config()
		c.Clock = fake
		p := start(t, c)
		advance := func(d, by time.Duration) {
			for ; d > 0; d -= by {
				fake.Advance(by)
				synctest.Wait()
			}
		}
		advance(60*second, second)
		w.calls()
		due := p.only().LastContact
		for _, stopped := range []time.Duration{10 * time.Minute, 40 * second, 5 * time.Hour} {
			advance(stopped, stopped)
			require.Len(t, w.calls(), 1)
			require.Equal(t, 1, w.registry.Len())
			advance(60*second, second)
			w.calls()
			require.Less(t, p.only().LastContact.Sub(due)%(30*second), 2*second)
		}
		require.NoError(t, p.ends())
	})
}

// A fake clock without monotonic readings may go back. The host does not wait for it to catch up.
func TestAClockThatGoesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		wall := &wallClock{Clock: clock.System()}
		w := newWire(t, hostmgr.Config[string]{Clock: wall})
		c := w.config()
		c.Clock = wall
		p := start(t, c)
		phase(w)
		for range 5 {
			wall.step.Add(-int64(time.Hour))
			pass(60 * second)
			require.InDelta(t, 2, len(w.calls()), 1)
			require.Equal(t, 1, w.registry.Len())
		}
		require.NoError(t, p.ends())
	})
}

// A wallClock is the clock of a bubble, by its wall clock only.
type wallClock struct {
	clock.Clock
	step atomic.Int64
}

func (c *wallClock) Now() time.Time {
	return c.Clock.Now().Round(0).Add(time.Duration(c.step.Load()))
}

// A page takes log lines.
type page struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.text.String()
	p.text.Reset()
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func (p *page) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "registration" {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func TestLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		var text page
		c := w.config()
		c.Logger = text.logger()
		p := start(t, c)
		pass(100 * second)
		require.Equal(t, []string{`level=INFO msg="the host is registered" host=a incarnation=1 interval=30s`}, text.lines())
		w.breaks(down)
		pass(300 * second) // one line, not one for each try
		require.Equal(t, []string{`level=WARN msg="a contact failed, it is repeated" host=a err="connection refused"`}, text.lines())
		w.breaks(nil)
		pass(30 * second)
		lines := text.lines()
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], `level=INFO msg="the contacts succeed again" host=a failures=`)
		w.breaks(func(context.Context, string) error { return hostmgr.ErrStale })
		require.ErrorIs(t, <-p.done, hostmgr.ErrStale)
		lines = text.lines()
		require.Len(t, lines, 2)
		require.Contains(t, lines[1], `level=ERROR msg="the contacts stop: another process has the id, or the host was made to leave" host=a err=`)
	})
}

// A logger that hangs holds up nothing.
func TestALoggerThatHangs(t *testing.T) {
	forever := make(chan struct{})
	defer close(forever)
	mock := clock.NewMock()
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	require.NoError(t, err)
	a, err := announcer.New(announcer.Config[string]{
		ID: "a", Clock: mock, Logger: slog.New(slog.NewTextHandler(hung(forever), nil)),
		Announce: func(_ context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) { return r.Announce(a) },
		Leave:    r.Leave,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	for r.Len() == 0 {
		require.NoError(t, mock.BlockUntil(t.Context(), 1))
	}
	for at := mock.Now(); a.Status()[0].LastContact.Before(at.Add(100 * second)); {
		require.NoError(t, mock.BlockUntil(t.Context(), 1))
		mock.Add(second / 2)
	}
	cancel()
	require.NoError(t, <-done)
}

type hung chan struct{}

func (h hung) Write(b []byte) (int, error) {
	<-h
	return len(b), nil
}
