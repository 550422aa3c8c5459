package hostweb

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// span formats a duration, rounded up: a silence longer than the timeout reads as longer.
func span(d time.Duration) string {
	switch d = readable(d); {
	case d == hostmgr.Never:
		return "never"
	case d < time.Millisecond:
		return decimal(d, time.Microsecond) + " µs"
	case d < time.Second:
		return decimal(d, time.Millisecond) + " ms"
	case d < time.Minute:
		return decimal(d, time.Second) + " s"
	case d < time.Hour:
		return pair(d, time.Minute, "min", time.Second, "s")
	case d < 48*time.Hour:
		return pair(d, time.Hour, "h", time.Minute, "min")
	default:
		return pair(d, 24*time.Hour, "d", time.Hour, "h")
	}
}

// readable rounds a duration up to what a person reads: three digits of a second, then hundredths
// of a second, and from a minute on whole seconds, minutes or hours.
func readable(d time.Duration) time.Duration {
	step := time.Nanosecond
	switch {
	case d == hostmgr.Never || d <= 0:
		return d
	case d > 48*time.Hour:
		step = time.Hour
	case d > time.Hour:
		step = time.Minute
	case d > time.Minute:
		step = time.Second
	case d > time.Second:
		step = time.Second / 100
	default:
		for step*1000 <= d {
			step *= 10
		}
	}
	return (d + step - 1) / step * step
}

func decimal(d, unit time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(unit), 'f', -1, 64)
}

func pair(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	n, per := (d+small-1)/small, big/small
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
