package asynclog

import (
	"cmp"
	"math"
	"slices"
)

// maxKinds is how many kinds are told apart. The lines of all others are one kind.
const maxKinds = 1024

// A kind is what lines have in common that are summarised.
type kind struct{ subject, message string }

// A summary counts the lines of a kind that were not queued since the last one that was.
type summary struct {
	pace   Pace // of the lines that were queued
	count  uint64
	latest line // of those that are counted
}

// line notes that a line is queued, which stands for those that were counted.
func (s *summary) line(now int64) {
	s.pace.Line(now)
	s.count, s.latest = 0, line{}
}

// add queues a line, or counts it if its kind is in a pause. It returns whether Tick has something
// to tell that it had not before.
func (l *Log) add(k kind, x line, now int64) (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losses.now = now
	s := l.summaryOf(k, now)
	if s.pace.Holds(now) {
		s.count++
		s.latest = x
		return s.count == 1
	}
	x.more = s.count
	s.line(now)
	return l.enqueue(x)
}

// addDirect is add for a line of no kind.
func (l *Log) addDirect(x line, now int64) (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losses.now = now
	return l.enqueue(x)
}

// enqueue puts a line into the queue, or loses it. It returns whether Tick has to tell of lost
// lines, and had not before. The caller holds mu.
func (l *Log) enqueue(x line) (news bool) {
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
		at = l.losses.pace.End()
	}
	for _, s := range l.kinds {
		if s.count > 0 {
			at = min(at, s.pace.End())
		}
	}
	return at
}

// summaryOf returns the summary of a kind. If there are too many kinds, it forgets those in no
// pause. If there are still too many, it returns one for all that are not there yet. The caller
// holds mu.
func (l *Log) summaryOf(k kind, now int64) *summary {
	s := l.kinds[k]
	if s == nil && len(l.kinds) >= maxKinds {
		l.tell(now, none)
		l.forget(func(s *summary) bool { return !s.pace.Holds(now) })
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

func none(kind) bool { return false }

func every(kind) bool { return true }

// Tick queues the latest line of each kind whose pause is over, if lines were counted in it. It
// costs nothing if no line was logged lately. Call it again and again.
func (l *Log) Tick() { l.tellAll(none) }

// Summarize is Tick for all kinds, also within their pauses. It is for the end of the work that
// logs.
func (l *Log) Summarize() {
	l.tellAll(every)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losses.pace = Pace{}
	l.begin(l.starts > 0)
}

// Settle is Summarize for one kind. It is for a line that should follow those of that kind.
func (l *Log) Settle(subject, message string) {
	l.tellAll(func(k kind) bool { return k == kind{subject, message} })
}

func (l *Log) tellAll(atOnce func(kind) bool) {
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
	l.losses.now = now
	l.begin(l.starts > 0)
}

// tell queues what Tick, Summarize or Settle promises. It forgets kinds whose next line is a first
// one again. The caller holds mu.
func (l *Log) tell(now int64, atOnce func(kind) bool) {
	var due []*summary
	for k, s := range l.kinds {
		if s.count > 0 && (!s.pace.Holds(now) || atOnce(k)) {
			due = append(due, s)
		}
	}
	slices.SortFunc(due, func(a, b *summary) int {
		return cmp.Or(cmp.Compare(a.pace.from, b.pace.from), a.latest.record.Time.Compare(b.latest.record.Time))
	})
	for _, s := range due {
		x := s.latest
		x.more = s.count - 1
		s.line(now)
		l.put(x)
	}
	l.forget(func(s *summary) bool { return s.pace.over(now) })
}

// forget forgets kinds that have nothing to tell, so the memory of all kinds is bounded. The caller
// holds mu.
func (l *Log) forget(old func(*summary) bool) {
	for k, s := range l.kinds {
		if s.count == 0 && old(s) {
			delete(l.kinds, k)
		}
	}
}
