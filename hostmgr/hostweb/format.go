package hostweb

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A departure is the end of one registration, as the page shows it.
type departure struct {
	ID           string  `json:"id"`
	Kind         string  `json:"kind"`
	Seq          uint64  `json:"seq"`
	At           stamp   `json:"at"`
	Zone         string  `json:"zone"`
	Incarnation  uint64  `json:"incarnation,string"`
	Registration uint64  `json:"registration,string"`
	Joined       stamp   `json:"joined"`
	LastContact  stamp   `json:"lastContact"`
	Silence      seconds `json:"silence"`
	Interval     seconds `json:"interval"`
	Timeout      seconds `json:"timeout"`
	StallTime    seconds `json:"stallTime"`
	HeldFor      seconds `json:"heldFor"`
	Hold         string  `json:"hold"`
	About        string  `json:"about"`
	Reason       string  `json:"reason"`
}

func (h *Handler[M]) departure(seq uint64, d *hostmgr.Departure[M]) departure {
	shown := departure{
		ID: d.Host.ID, Kind: d.Kind.String(), Seq: seq, At: stamp(d.At), Zone: d.Host.Zone,
		Incarnation: d.Host.Incarnation, Registration: d.Host.Registration,
		Joined: stamp(d.Host.Joined), LastContact: stamp(d.Host.LastContact),
		Silence: seconds(d.Silence), Interval: seconds(d.Interval), Timeout: seconds(d.Timeout),
		StallTime: seconds(d.StallTime), HeldFor: seconds(d.HeldFor), Hold: d.Hold.String(),
		Reason: d.Reason(),
	}
	if d.Judgement == "" { // otherwise the reason says that the host was evicted
		shown.Reason = shown.Kind + ": " + shown.Reason
	}
	h.describe(&texts[M]{[]M{d.Host.Metadata}, []*string{&shown.About}})
	return shown
}

// span formats a duration, rounded up: a silence longer than the timeout reads as longer.
func span(d time.Duration) string {
	switch {
	case d == hostmgr.Never:
		return "never"
	case d < time.Millisecond:
		return brief(d, time.Microsecond) + " µs"
	case d < time.Second:
		return brief(d, time.Millisecond) + " ms"
	case d < time.Minute:
		return decimal(d, time.Second, 1000) + " s"
	case d < time.Hour:
		return pair(d, time.Minute, "min", time.Second, "s")
	case d < 48*time.Hour:
		return pair(d, time.Hour, "h", time.Minute, "min")
	default:
		return pair(d, 24*time.Hour, "d", time.Hour, "h")
	}
}

// brief formats three digits.
func brief(d, unit time.Duration) string {
	switch {
	case d >= 100*unit:
		return decimal(d, unit, 1)
	case d >= 10*unit:
		return decimal(d, unit, 10)
	default:
		return decimal(d, unit, 100)
	}
}

// decimal formats d in units, rounded up to one of so many parts of a unit.
func decimal(d, unit, parts time.Duration) string {
	n := (d + unit/parts - 1) / (unit / parts)
	return strconv.FormatFloat(float64(n)/float64(parts), 'f', -1, 64)
}

func pair(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	n := (d + small - 1) / small
	per := big / small
	if n%per == 0 {
		return fmt.Sprintf("%d %s", n/per, bigName)
	}
	return fmt.Sprintf("%d %s %d %s", n/per, bigName, n%per, smallName)
}

// several formats a number of things.
func several[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%s %ss", grouped(uint64(n)), thing)
}

// grouped formats a number with a comma at each thousand.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
