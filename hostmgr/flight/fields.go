package flight

import (
	"math"
	"strings"
	"time"
)

// fields collects the values of one line that are not fields of a Record by themselves.
type fields struct {
	start   time.Time // of the registry
	version int64
	began   int64
	invalid string // what is wrong with a value; empty: nothing
}

// set sets the field of the Record that has this key. It ignores keys that it does not know.
func (f *fields) set(r *Record, key string, v value) {
	if at := timeField(r, key); at != nil {
		*at = f.start.Add(f.since(key, v.n))
	} else if d := durationField(r, key); d != nil {
		*d = f.duration(key, v.n)
	} else if n := countField(r, key); n != nil {
		*n = v.count
	} else if s := textField(r, key); s != nil {
		*s = strings.Clone(v.text)
	} else if key == "version" {
		f.version = v.n
	} else if key == "start" {
		f.began = v.n
	}
}

func timeField(r *Record, key string) *time.Time {
	switch key {
	case "at":
		return &r.At
	case "last-contact":
		return &r.LastContact
	case "due":
		return &r.Due
	case "last-sweep":
		return &r.LastSweep
	case "stalled-since":
		return &r.StalledSince
	case "since":
		return &r.Since
	case "from":
		return &r.From
	}
	return nil
}

func durationField(r *Record, key string) *time.Duration {
	switch key {
	case "interval":
		return &r.History.Interval
	case "mean":
		return &r.History.Mean
	case "deviation":
		return &r.History.Deviation
	case "timeout":
		return &r.Timeout
	case "stalled":
		return &r.StallTime
	case "limit":
		return &r.Limit
	case "given":
		return &r.Given
	}
	return nil
}

func countField(r *Record, key string) *uint64 {
	switch key {
	case "count":
		return &r.History.Count
	case "registration":
		return &r.Registration
	case "incarnation":
		return &r.Incarnation
	case "records":
		return &r.Lost
	}
	return nil
}

func textField(r *Record, key string) *string {
	switch key {
	case "id":
		return &r.ID
	case "zone":
		return &r.Zone
	case "held", "by":
		return &r.By
	case "judgement":
		return &r.Judgement
	case "policy":
		return &r.Policy
	}
	return nil
}

const earliest = -1 << 58 // the earliest contact, and the earliest deadline that follows from one

// since returns n nanoseconds since the start. Only a contact and its deadline may be before that.
func (f *fields) since(key string, n int64) time.Duration {
	if (key == "last-contact" || key == "due") && n < 0 && n >= earliest {
		return time.Duration(n)
	}
	return f.duration(key, n)
}

// duration returns n nanoseconds, if a registry's time can reach them.
func (f *fields) duration(key string, n int64) time.Duration {
	if n < 0 || n > math.MaxInt64/2 {
		f.invalid = key + " is negative, or beyond 146 years"
		return 0
	}
	return time.Duration(n)
}
