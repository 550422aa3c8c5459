package outage

import (
	"math"
	"strconv"
	"time"
)

// beyond is a time that is absurd, but a time.
const beyond = lastMoment + 1

// seconds reads Unix seconds, with a fraction or not. What is too great to be told apart is
// beyond, or just as far before 1970.
func seconds(b []byte) (int64, bool) {
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		return clamp(float64(n), n*int64(time.Second)), true
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if math.IsNaN(f) || err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	if math.IsInf(f, 0) && err == nil { // "Inf", and not a number that is too long
		return 0, false
	}
	return clamp(f, int64(math.Round(min(max(f, -1), 1e10)*1e3))*int64(time.Millisecond)), true
}

// clamp is ns, unless the seconds that it stands for are absurd.
func clamp(s float64, ns int64) int64 {
	switch {
	case s < 0:
		return -beyond
	case s > float64(lastMoment/int64(time.Second)):
		return beyond
	}
	return ns
}
