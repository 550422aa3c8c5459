package asynclog

import "time"

const (
	minPause = time.Second
	maxPause = 10 * time.Second
)

// A Pace spaces the lines of one kind. While they keep coming, the pause after each is twice as
// long as the one before: 1 s at first, 10 s at most. When no line has come for 10 s after a pause,
// the next one is 1 s again. The zero Pace is before the first line.
//
// A time before the last line is in no pause: a clock that went back silences no line.
type Pace struct{ from, to int64 } // of the last pause

// Holds reports whether now is in the pause after a line.
func (p Pace) Holds(now int64) bool { return p.from <= now && now < p.to }

// End returns when the last pause ends.
func (p Pace) End() int64 { return p.to }

// Line begins the pause after a line at now.
func (p *Pace) Line(now int64) {
	pause := int64(minPause)
	if !p.over(now) {
		pause = min(2*(p.to-p.from), int64(maxPause))
	}
	*p = Pace{now, now + pause}
}

// over reports whether a line at now is the first one again.
func (p Pace) over(now int64) bool {
	return p == Pace{} || now < p.from || now-p.to >= int64(maxPause)
}
