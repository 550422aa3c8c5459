package replay

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// String says it in words.
func (a *advice) String() string {
	if a.best == nil {
		return "no recommendation: " + a.why
	}
	lines := []string{
		"recommended: " + a.gain(),
		fmt.Sprintf("A needless eviction costs as much as %s of a host's stale metadata: see -price.", plain(time.Duration(a.price))),
		a.prices(),
	}
	if len(a.LeftOut) > 0 {
		lines = append(lines, "Not considered, as they evict a host after one lost contact, and a trace has no lost contacts:",
			strings.Join(a.LeftOut, ", ")+". If none is lost (-loss 0), "+a.cheapest.name+" costs least.")
	}
	return strings.Join(lines, "\n  ")
}

// gain compares the recommended policy with the usual one.
func (a *advice) gain() string {
	if a.best == a.usual {
		return fmt.Sprintf("%s, %s: no other policy that was considered costs less", a.Policy, a.is)
	}
	return fmt.Sprintf("%s instead of %s, %s: %s, %s", a.Policy, a.Instead, a.is,
		change(float64(-a.Fewer), "needless evictions"), change(a.More, "stale host-hours"))
}

// prices says for which ones the recommendation is the same.
func (a *advice) prices() string {
	low, high := span(a.best, a.considered)
	s := "At any price"
	switch {
	case low > 0 && !math.IsInf(high, 1):
		s = "At any price from " + hours(low) + " to " + hours(high)
	case low > 0:
		s = "At any price from " + hours(low) + " on"
	case !math.IsInf(high, 1):
		s = "At any price up to " + hours(high)
	}
	return s + " the recommendation is the same."
}

// change is a difference in words.
func change(more float64, what string) string {
	size := math.Abs(more)
	if size == 1 {
		what = strings.TrimSuffix(what, "s")
	}
	switch {
	case more > 0:
		return number(size) + " more " + what
	case more < 0:
		return number(size) + " fewer " + what
	}
	return "as many " + what
}

// number has two digits at least, unless it is whole.
func number(v float64) string {
	switch {
	case v == math.Trunc(v) || v >= 10:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func hours(h float64) string {
	d := time.Duration(min(h, 1e6) * float64(time.Hour))
	for _, unit := range []time.Duration{time.Minute, time.Second} {
		if d >= 10*unit {
			return plain(d.Round(unit))
		}
	}
	return plain(d.Round(time.Millisecond))
}

// plain drops the units that are zero: 30m instead of 30m0s.
func plain(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}
