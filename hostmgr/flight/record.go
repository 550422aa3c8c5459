package flight

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// Version is that of the format.
const Version = 1

// A Record is one line of a log; which fields it has depends on its kind.
type Record struct {
	Kind string
	Line int // its number, from 1
	At   time.Time

	ID          string
	Life        uint64
	Incarnation uint64
	Zone        string

	Seen     time.Time     // the last sign of life before a silence
	Pulse    hostmgr.Pulse // the interval, and what was learned
	Patience time.Duration
	Due      time.Time // zero: it was not
	Excused  time.Duration
	Listened time.Time
	Deaf     time.Time // nobody listened from then on until At; zero: somebody did

	By    string    // what held, or holds, the host
	Since time.Time // it held it

	From  time.Time     // of a stall
	Limit time.Duration // that it exceeded
	Given time.Duration // of a gap: the limit that it did not exceed

	Lost   uint64 // records
	Policy string // that judged, as the replay command names it
}

// silence tells whether the record is about one.
func (r *Record) silence() bool {
	switch r.Kind {
	case "late", "left", "evicted", "replaced", "forgotten":
		return true
	}
	return false
}

// A parser turns lines into records.
type parser struct {
	line  int
	start time.Time // of the registry
	alien error     // why the log that began last can't be read
}

// parse returns the record that stands in a line.
func (p *parser) parse(line string) (r Record, err error) {
	r.Line = p.line
	kind, rest, _ := strings.Cut(line, " ")
	if kind == "" || strings.ContainsAny(kind, "=\"") {
		return r, errors.New("no kind")
	}
	r.Kind = strings.Clone(kind) // as all text of a record: it does not keep the line
	f := fields{start: p.start}
	for rest != "" {
		var key string
		var v value
		if key, v, rest, err = cut(rest); err != nil {
			return r, err
		}
		f.set(&r, key, v)
	}
	return r, p.finish(&r, &f)
}

// finish checks what only makes sense together.
func (p *parser) finish(r *Record, f *fields) error {
	if r.Kind == "begin" {
		if p.alien = nil; f.version != Version {
			p.alien = fmt.Errorf("version %d; this reads %d", f.version, Version)
		}
		p.start = time.Unix(0, f.began).UTC()
		r.At = p.start
	}
	switch {
	case p.alien != nil:
		return p.alien
	case r.Kind == "begin":
		return nil
	case f.bad != "":
		return errors.New(f.bad)
	case r.At.IsZero():
		return errors.New("no time")
	case r.silence() && (r.ID == "" || r.Seen.IsZero() || r.Seen.After(r.At) || r.Pulse.Interval <= 0):
		return errors.New("a silence without id, begin or interval")
	case (r.Kind == "stall" || r.Kind == "gap") && (r.From.IsZero() || !r.From.Before(r.At) || r.Limit <= 0):
		return errors.New("a stall without begin, length or limit")
	}
	return nil
}

// A value is what stands in a field: a string, or a number. Counts use all of an uint64, as themselves or
// as the negative number that has the same bits.
type value struct {
	text  string
	n     int64 // the greatest there is, if it is greater
	count uint64
}

// cut takes the first field of what is left of a line.
func cut(s string) (key string, v value, rest string, err error) {
	key, s, ok := strings.Cut(s, "=")
	if !ok || key == "" || strings.ContainsAny(key, " \"") {
		return "", v, "", errors.New("a field that is none")
	}
	var written string
	if strings.HasPrefix(s, `"`) {
		if written, err = strconv.QuotedPrefix(s); err == nil {
			v.text, err = strconv.Unquote(written)
		}
	} else {
		written, _, _ = strings.Cut(s, " ")
		v, err = number(written)
	}
	if err != nil {
		return "", v, "", fmt.Errorf("%s: %w", brief(key), err)
	}
	rest = s[len(written):]
	if rest != "" && rest[0] != ' ' {
		return "", v, "", fmt.Errorf("%s: no space after it", brief(key))
	}
	return key, v, strings.TrimPrefix(rest, " "), nil
}

func number(s string) (v value, err error) {
	if v.n, err = strconv.ParseInt(s, 10, 64); err == nil {
		v.count = uint64(v.n)
		return v, nil
	}
	if v.count, err = strconv.ParseUint(s, 10, 64); err == nil {
		v.n = math.MaxInt64
		return v, nil
	}
	return v, errors.Unwrap(err) // which does not repeat a line of 64 KiB
}

// fields gathers what is no field of a Record, or is one only together.
type fields struct {
	start   time.Time
	version int64
	began   int64
	bad     string // what can't be
}

// set sets the field of that name, if there is one.
func (f *fields) set(r *Record, key string, v value) {
	switch key {
	case "at":
		r.At = f.time(key, v.n)
	case "seen":
		r.Seen = f.time(key, v.n)
	case "due":
		r.Due = f.time(key, v.n)
	case "listened":
		r.Listened = f.time(key, v.n)
	case "deaf":
		r.Deaf = f.time(key, v.n)
	case "since":
		r.Since = f.time(key, v.n)
	case "from":
		r.From = f.time(key, v.n)
	case "interval":
		r.Pulse.Interval = f.duration(key, v.n)
	case "mean":
		r.Pulse.Mean = f.duration(key, v.n)
	case "deviation":
		r.Pulse.Deviation = f.duration(key, v.n)
	case "patience":
		r.Patience = f.duration(key, v.n)
	case "excused":
		r.Excused = f.duration(key, v.n)
	case "limit":
		r.Limit = f.duration(key, v.n)
	case "given":
		r.Given = f.duration(key, v.n)
	case "beats":
		r.Pulse.Beats = v.count
	case "life":
		r.Life = v.count
	case "incarnation":
		r.Incarnation = v.count
	case "records":
		r.Lost = v.count
	case "version":
		f.version = v.n
	case "start":
		f.began = v.n
	case "id":
		r.ID = strings.Clone(v.text)
	case "zone":
		r.Zone = strings.Clone(v.text)
	case "held", "by":
		r.By = strings.Clone(v.text)
	case "policy":
		r.Policy = strings.Clone(v.text)
	}
}

func (f *fields) time(key string, n int64) time.Time {
	return f.start.Add(f.duration(key, n))
}

// duration is at most what a registry's time comes to.
func (f *fields) duration(key string, n int64) time.Duration {
	if n < 0 || n > math.MaxInt64/2 {
		f.bad = key + " is negative, or beyond 146 years"
		return 0
	}
	return time.Duration(n)
}
