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
