package clock

import (
	"bytes"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

// Hold makes the moves of a [Mock] wait until release is called, but not for ever. It is for work
// that may itself wait for the goroutine that moves the time, as a callback may. The release may be
// called by any goroutine, and more than once. With any other clock it does nothing.
//
// [Mock.Add] and [Mock.Set] give up a hold as soon as no other goroutine of the process runs or can
// run, because no goroutine is left that could release it. If others keep running, Add and Set give
// it up after half a second of real time. No later move waits for a hold that was given up.
// [Mock.Advance] gives up no hold.
func Hold(c Clock) (release func()) {
	if m, ok := c.(holder); ok {
		return m.hold()
	}
	return func() {}
}

// A holder is a Mock, or a clock that embeds one.
type holder interface{ hold() (release func()) }

// A held is a hold that was neither released nor given up.
type held struct {
	start bool // the hold waits for the first Start of a Waiter, which may never come
}

func (m *Mock) hold() (release func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := &held{}
	m.holds = append(m.holds, h)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.release(h)
	}
}

// release ends a hold. The caller holds m.mu.
func (m *Mock) release(h *held) {
	if i := slices.Index(m.holds, h); i >= 0 {
		m.holds = slices.Delete(m.holds, i, i+1)
		m.announce()
	}
}

// giveUp ends holds.
func (m *Mock) giveUp(holds []*held) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range holds {
		m.release(h)
	}
}

// settles waits until changed is closed. It returns false when no other goroutine runs or can run,
// or after ms milliseconds. In a testing/synctest bubble, its sleep ends when all other goroutines
// of the bubble wait.
func settles(changed <-chan struct{}, ms int) bool {
	const calm = 3
	rounds, isQuiet := 100, isQuietByFigures // in a millisecond
	if !hasFigures() {
		rounds, isQuiet = 1, isQuietByStacks // which takes much longer
	}
	for n, quiet := 1, 0; n <= ms*rounds && quiet < calm; n++ {
		switch {
		case isClosed(changed):
			return true
		case isQuiet():
			quiet++
		default:
			quiet = 0
		}
		if n%rounds == 0 {
			time.Sleep(time.Millisecond)
		} else {
			runtime.Gosched()
		}
	}
	return isClosed(changed)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func figures() (s [3]metrics.Sample) {
	s[0].Name = "/sched/goroutines/running:goroutines"
	s[1].Name = "/sched/goroutines/runnable:goroutines"
	s[2].Name = "/sched/goroutines/not-in-go:goroutines"
	metrics.Read(s[:])
	return s
}

// hasFigures reports whether this Go has the figures: Go 1.25 has not.
func hasFigures() bool { return figures()[0].Value.Kind() != metrics.KindBad }

// isQuietByFigures reports whether no other goroutine runs or can run. The figures are approximate:
// they may leave out a goroutine that moves from one queue to another. So ask several times.
func isQuietByFigures() bool {
	s := figures()
	return s[0].Value.Uint64() <= 1 && s[1].Value.Uint64() == 0 && s[2].Value.Uint64() == 0
}

// isQuietByStacks is isQuietByFigures by the stack traces of all goroutines. If there are too many,
// it says that they are not quiet.
func isQuietByStacks() bool {
	traces := make([]byte, 1<<18)
	n := runtime.Stack(traces, true)
	if n == len(traces) {
		return false
	}
	active := 0
	for trace := range bytes.SplitSeq(traces[:n], []byte("\n\n")) {
		_, state, _ := bytes.Cut(trace, []byte("[")) // goroutine 18 [chan receive, 2 minutes]:
		for _, s := range []string{"running", "runnable", "syscall"} {
			if bytes.HasPrefix(state, []byte(s)) {
				active++
			}
		}
	}
	return active <= 1
}
