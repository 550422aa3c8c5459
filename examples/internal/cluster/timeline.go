package cluster

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// quiet is how long nothing may be printed before we say what we wait for.
const quiet = 2 * time.Second

// A timeline prints what happens, when it happens. What happens when ctx has ended
// is the end of the run, and no part of the story.
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

// event prints a line, unless ctx has ended: what happened, to whom, and more.
func (t *timeline) event(what, who, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() == nil {
		t.print(what, who, fmt.Sprintf(format, args...))
	}
}

// final prints a line about the end of the run, also when ctx has ended.
func (t *timeline) final(what, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.print(what, "", text)
}

// print prints a line. The caller holds mu.
func (t *timeline) print(what, who, text string) {
	t.last = time.Now()
	s := fmt.Sprintf("%8.3fs  %-10s %-10s %s", t.last.Sub(t.start).Seconds(), what, who, text)
	_, _ = fmt.Fprintln(t.out, strings.TrimRight(s, " "))
}

// wait notes what we wait for, in case it takes long.
func (t *timeline) wait(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = fmt.Sprintf(format, args...)
}

// nudge has a line printed whenever it has been quiet for too long, until stop
// is called.
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

// short writes a duration with the digits that matter.
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
