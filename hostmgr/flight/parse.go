package flight

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A parser turns lines into records.
type parser struct {
	line    int
	start   time.Time // of the registry
	refused error     // why the current log cannot be read
}

// parse returns the record of a line. The record does not keep the line in memory.
func (p *parser) parse(line string) (r Record, err error) {
	r.Line = p.line
	kind, rest, _ := strings.Cut(line, " ")
	if kind == "" || strings.ContainsAny(kind, "=\"") {
		return r, errors.New("no kind")
	}
	r.Kind = strings.Clone(kind)
	f := fields{start: p.start}
	for rest != "" {
		var key string
		var v value
		if key, v, rest, err = cutField(rest); err != nil {
			return r, err
		}
		f.set(&r, key, v)
	}
	return r, p.finish(&r, &f)
}

// finish takes into account what a begin says of all later lines, and checks the record.
func (p *parser) finish(r *Record, f *fields) error {
	if r.Kind == "begin" {
		p.refused = checkVersion(f.version)
		p.start = time.Unix(0, f.began).UTC()
		r.At = p.start
	}
	switch {
	case p.refused != nil:
		return p.refused
	case r.Kind == "begin":
		return nil
	case f.invalid != "":
		return errors.New(f.invalid)
	}
	return r.check()
}

// A value is the value of a field: a string or a number. A count uses all of an uint64: it is
// written as itself, or as the negative number that has the same bits.
type value struct {
	text  string
	n     int64 // the greatest int64 if the number is greater
	count uint64
}

// cutField cuts the first field off the rest of a line.
func cutField(s string) (key string, v value, rest string, err error) {
	key, s, ok := strings.Cut(s, "=")
	if !ok || key == "" || strings.ContainsAny(key, " \"") {
		return "", v, "", errors.New("a field without key or value")
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
		return "", v, "", fmt.Errorf("%s: %w", shorten(key), err)
	}
	rest = s[len(written):]
	if rest != "" && rest[0] != ' ' {
		return "", v, "", fmt.Errorf("%s: no space after it", shorten(key))
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
	return v, errors.Unwrap(err) // the full error would repeat up to 64 KiB
}
