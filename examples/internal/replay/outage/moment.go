package outage

import (
	"strconv"
	"strings"
	"time"
)

// layouts are those of a moment, with a zone and without. time.Parse reads a fraction of the second
// with each of them.
var layouts = func() (all []string) {
	for _, day := range []string{"2006-01-02T", "2006/01/02T"} {
		for _, clock := range []string{"15:04:05", "15:04"} {
			for _, zone := range []string{"Z07:00", "", "Z0700", "Z07"} {
				all = append(all, day+clock+zone)
			}
		}
	}
	return all
}()

// leastMillis is the least number that is Unix milliseconds: as seconds it would be the year 5138.
const leastMillis = 100_000_000_000

// moment reads a time as operators write it, in nanoseconds since 1970. Without a zone it is UTC.
func moment(b []byte) (int64, bool) {
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil && n >= leastMillis {
		return clamp(float64(n)/1e3, n*int64(time.Millisecond)), true
	}
	if ns, ok := seconds(b); ok {
		return ns, true
	}
	s := uniform(b)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return clamp(float64(t.Unix()), t.UnixNano()), true
		}
	}
	return 0, false
}

// uniform writes a T between day and clock, Z for UTC, and no space.
func uniform(b []byte) string {
	s := strings.ToUpper(string(b))
	if at := len("2006-01-02"); len(s) > at && s[at] == ' ' {
		s = s[:at] + "T" + s[at+1:]
	}
	s = strings.ReplaceAll(s, " ", "")
	for _, utc := range []string{"UTC", "GMT"} {
		if cut, ok := strings.CutSuffix(s, utc); ok {
			return cut + "Z"
		}
	}
	return s
}
