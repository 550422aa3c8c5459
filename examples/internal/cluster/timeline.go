package cluster

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// quiet is the time without output after which a line says what the run waits for.
const quiet = 2 * time.Second

// A timeline prints what happens, when it happens. After ctx has ended it prints only the end of the
// run.
type timeline struct {
	ctx   context.Context
	start time.Time

	mu      sync.Mutex // guards all below, and each line
	out     io.Writer
	last    time.Time
	waiting string
}

func newTimeline(ctx context.Context, out io.Writer) *timeline {
	now := time.Now()
	return &timeline{ctx: ctx, start: now, out: out, last: now}
}

// event prints a line, unless ctx has ended: what happened, to which host, and details.
func (t *timeline) event(what, host, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() == nil {
		t.print(what, host, fmt.Sprintf(format, args...))
	}
}

// final prints a line about the end of the run, also when ctx has ended.
func (t *timeline) final(what, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.print(what, "", text)
}

// print prints a line. The caller holds mu.
func (t *timeline) print(what, host, text string) {
	t.last = time.Now()
	s := fmt.Sprintf("%8.3fs  %-10s %-10s %s", t.last.Sub(t.start).Seconds(), what, host, text)
	_, _ = fmt.Fprintln(t.out, strings.TrimRight(s, " "))
}

// wait records what the run waits for, in case it takes long.
func (t *timeline) wait(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = fmt.Sprintf(format, args...)
}

// nudge prints a line whenever it has been quiet for too long, until stop is called.
func (t *timeline) nudge() (stop func()) {
	ctx, cancel := context.WithCancel(t.ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = poll(ctx, quiet/8, time.Hour, func() bool {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.ctx.Err() == nil && time.Since(t.last) >= quiet {
				t.print("waiting", "", t.waiting)
			}
			return false
		})
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// short formats a duration with few digits.
func short(d time.Duration) string {
	switch {
	case d.Abs() >= time.Second:
		return fmt.Sprintf("%.3f s", d.Seconds())
	case d.Abs() >= 100*time.Microsecond:
		return fmt.Sprintf("%.1f ms", ms(d))
	default:
		return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mib(n uint64) string { return fmt.Sprintf("%.2f MiB", float64(n)/(1<<20)) }
