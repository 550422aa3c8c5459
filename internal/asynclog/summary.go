package asynclog

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// maxKinds is how many kinds are told apart. The lines of all others are one kind.
const maxKinds = 1024

// A kind is what lines have in common that are summarised.
type kind struct{ subject, message string }

// A summary counts the lines of a kind that were not queued since the last one that was.
type summary struct {
	window window // of the last line that was queued
	count  uint64
	latest line // of those that are counted
}

// A window is the second after a line. The zero window is empty.
type window struct{ from, to int64 }

func windowAt(now int64) window { return window{now, now + int64(time.Second)} }

// has returns false for a time before the window too: a clock that went back silences no line.
func (w window) has(now int64) bool { return w.from <= now && now < w.to }

// add queues a line, or counts it if its kind had a line within the last second. It returns whether
// Tick has something to tell that it had not before.
func (l *Log) add(k kind, x line, now int64) (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losses.now = now
	s := l.summaryOf(k, now)
	if s.window.has(now) {
		s.count++
		s.latest = x
		return s.count == 1
	}
	x.more = s.count
	*s = summary{window: windowAt(now)}
	untold := l.losses.untold
	l.put(x)
	return untold == 0 && l.losses.untold > 0
}

// Due returns when the next call of Tick may have something to tell, or math.MaxInt64.
func (l *Log) Due() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := int64(math.MaxInt64)
	if l.losses.untold > 0 && !l.writing { // otherwise the goroutine that writes tells of them
		at = l.losses.window.to
	}
	for _, s := range l.kinds {
		if s.count > 0 {
			at = min(at, s.window.to)
		}
	}
	return at
}

// summaryOf returns the summary of a kind. If there are too many kinds, it returns one for all that
// are not there yet. The caller holds mu.
func (l *Log) summaryOf(k kind, now int64) *summary {
	s := l.kinds[k]
	if s == nil && len(l.kinds) >= maxKinds {
		l.tell(now, false)
	}
	if s == nil && len(l.kinds) >= maxKinds {
		k = kind{}
		s = l.kinds[k]
	}
	if s == nil {
		s = &summary{}
		l.kinds[k] = s
	}
	return s
}

// Tick queues the latest line of each kind whose last line is more than a second old, if lines were
// counted since. It costs nothing if no line was logged lately. Call it again and again.
func (l *Log) Tick() { l.tellAll(false) }

// Summarize is Tick for all kinds, even if their last line is less than a second old. It is for the
// end of the work that logs.
func (l *Log) Summarize() { l.tellAll(true) }

func (l *Log) tellAll(atOnce bool) {
	l.mu.Lock()
	idle := len(l.kinds) == 0 && l.losses.untold == 0
	l.mu.Unlock()
	if idle {
		return
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell(now, atOnce)
	if l.losses.now = now; atOnce {
		l.losses.window = window{}
	}
	l.begin(l.starts > 0)
}

// tell queues what Tick, or Summarize, promises. It forgets kinds that have nothing to tell, so the
// memory of all kinds is bounded. The caller holds mu.
func (l *Log) tell(now int64, atOnce bool) {
	var due []*summary
	for k, s := range l.kinds {
		switch {
		case s.window.has(now) && (!atOnce || s.count == 0):
		case s.count == 0:
			delete(l.kinds, k)
		default:
			due = append(due, s)
		}
	}
	slices.SortFunc(due, func(a, b *summary) int {
		return cmp.Or(cmp.Compare(a.window.from, b.window.from), a.latest.record.Time.Compare(b.latest.record.Time))
	})
	for _, s := range due {
		x := s.latest
		x.more = s.count - 1
		*s = summary{window: windowAt(now)}
		l.put(x)
	}
}
