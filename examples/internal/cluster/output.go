package cluster

import (
	"strings"
	"sync"
)

// A watchedOutput takes what a server prints, of which only one line matters.
type watchedOutput struct {
	want string
	seen chan struct{} // closed when want was printed

	mu     sync.Mutex // guards all below
	found  bool
	latest string // line
}

func (o *watchedOutput) read(line []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.latest = string(line)
	if !o.found && strings.Contains(o.latest, o.want) {
		o.found = true
		close(o.seen)
	}
	return true
}

func (o *watchedOutput) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.latest
}

// A firstLine keeps the first line that a process prints and that is no line of its log: why it
// exits, or panics.
type firstLine struct {
	mu   sync.Mutex // guards text
	text string
}

// keep returns false: the line is shown too.
func (l *firstLine) keep(line []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text == "" {
		l.text = string(line)
	}
	return false
}

// after returns the line after a separator, or nothing if there is none.
func (l *firstLine) after(separator string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text == "" {
		return ""
	}
	return separator + l.text
}
