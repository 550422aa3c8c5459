package report

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Progress says what runs now and since when, so that nothing is silent for long.
type Progress struct {
	out   io.Writer
	lines bool // a line each time, rather than one that is overwritten
	began time.Time
	stop  chan struct{}
	done  chan struct{}

	mu    sync.Mutex // guards the rest
	what  string
	since time.Time
}

// NewProgress reports to out until Close.
func NewProgress(out io.Writer) *Progress {
	now := time.Now()
	p := &Progress{out: out, lines: !terminal(out), began: now, since: now, what: "starting",
		stop: make(chan struct{}), done: make(chan struct{})}
	go p.run()
	return p
}

func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// Step says what begins now. It only notes it: what is being measured should not
// wait for a terminal.
func (p *Progress) Step(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.since = fmt.Sprintf(format, args...), time.Now()
}

// Note prints a line that stays.
func (p *Progress) Note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(fmt.Sprintf(format, args...), true)
}

// Write prints lines that stay. It implements io.Writer.
func (p *Progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.lines {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
	return p.out.Write(b)
}

// Close ends the reports.
func (p *Progress) Close() {
	close(p.stop)
	<-p.done
	if !p.lines {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func (p *Progress) run() {
	defer close(p.done)
	tick := time.NewTicker(1500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-tick.C:
			p.mu.Lock()
			p.print(fmt.Sprintf("%s, %.1f s", p.what, now.Sub(p.since).Seconds()), p.lines)
			p.mu.Unlock()
		}
	}
}

// print writes one line; the caller holds mu.
func (p *Progress) print(line string, stays bool) {
	before, after := "", "\n"
	if !p.lines {
		before = "\r\x1b[K"
	}
	if !stays {
		after = ""
	}
	_, _ = fmt.Fprintf(p.out, "%s%6.1f s  %s%s", before, time.Since(p.began).Seconds(), line, after)
}
