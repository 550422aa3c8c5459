package hostweb

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A departure is the end of one life, as it is shown.
type departure struct {
	ID          string  `json:"id"`
	Kind        string  `json:"kind"`
	Seq         uint64  `json:"seq"`
	At          stamp   `json:"at"`
	Zone        string  `json:"zone"`
	Incarnation uint64  `json:"incarnation,string"`
	Life        uint64  `json:"life,string"`
	Joined      stamp   `json:"joined"`
	LastSeen    stamp   `json:"lastSeen"`
	Silence     seconds `json:"silence"`
	Interval    seconds `json:"interval"`
	Patience    seconds `json:"patience"`
	Excused     seconds `json:"excused"`
	HeldFor     seconds `json:"heldFor"`
	HeldBy      string  `json:"heldBy"`
	About       string  `json:"about"`
	Why         string  `json:"why"`
}

func (h *Handler[M]) departure(e hostmgr.Event[M]) departure {
	v := e.Evidence
	return departure{
		ID: e.Host.ID, Kind: e.Kind.String(), Seq: e.Seq, At: stamp(e.At), Zone: e.Host.Zone,
		Incarnation: e.Host.Incarnation, Life: e.Host.Life,
		Joined: stamp(e.Host.Joined), LastSeen: stamp(e.Host.LastSeen),
		Silence: seconds(v.Silence), Interval: seconds(v.Interval), Patience: seconds(v.Patience),
		Excused: seconds(v.Excused), HeldFor: seconds(v.HeldFor), HeldBy: v.HeldBy,
		About: h.about(e.Host.Metadata), Why: e.Kind.String() + ": " + v.Reason(e.Kind),
	}
}

// span is a duration for people, rounded up: a silence that is longer than a patience reads so.
func span(d time.Duration) string {
	switch {
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

// brief has three digits.
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

// decimal counts d in parts of a unit.
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

// several is a number of things.
func several[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%s %ss", grouped(uint64(n)), thing)
}

// grouped has a comma at each thousand.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
