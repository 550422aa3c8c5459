package hostredis

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// errReply means that Redis has answered what the script cannot answer.
var errReply = errors.New("hostredis: the answer of Redis is not well-formed")

const hexDigits = 16 // of a version

// A mark is a place in the history of a table.
type mark struct {
	epoch             string
	revision, version uint64
}

// markOf decodes the mark in a reply of the script.
func markOf(reply []any) (m mark, err error) {
	if len(reply) < 5 || reply[0] != "ok" {
		return m, errReply
	}
	epoch, _ := reply[1].(string)
	revision, _ := reply[2].(string)
	version, _ := reply[3].(string)
	m.epoch = epoch
	if m.revision, err = strconv.ParseUint(revision, 10, 53); err != nil || epoch == "" {
		return m, errReply
	}
	if m.version, err = parseVersion(version); err != nil || (m.version == 0) != (m.revision == 0) {
		return m, errReply
	}
	return m, nil
}

// parseVersion is as strict as the script, which compares text.
func parseVersion(s string) (uint64, error) {
	if len(s) != hexDigits || strings.Trim(s, "0123456789abcdef") != "" {
		return 0, errReply
	}
	return strconv.ParseUint(s, 16, 64)
}

// recordOf decodes a record: "VERSION REVISION VALUE". It returns false if it is not one that the
// script has written up to a revision. The script ignores and overwrites such a record, too.
func recordOf(key, text string, latest uint64) (share.Record, bool) {
	version, rest, _ := strings.Cut(text, " ")
	number, value, found := strings.Cut(rest, " ")
	r := share.Record{Key: key, Value: []byte(value)}
	var err error
	if r.Version, err = parseVersion(version); err != nil || r.Version == 0 || !found {
		return r, false
	}
	r.Revision, err = parseRevision(number)
	return r, err == nil && r.Revision > 0 && r.Revision <= latest
}

func parseRevision(s string) (uint64, error) {
	if s == "" || len(s) > 15 || strings.Trim(s, "0123456789") != "" {
		return 0, errReply
	}
	return strconv.ParseUint(s, 10, 64)
}

// pageOf decodes buckets of a page. It returns how many records are not well-formed.
func pageOf(reply []any, latest uint64) (page []share.Record, skipped int, err error) {
	for _, bucket := range reply {
		all, ok := bucket.([]any)
		if !ok || len(all)%2 != 0 {
			return nil, 0, errReply
		}
		for i := 0; i < len(all); i += 2 {
			key, _ := all[i].(string)
			text, _ := all[i+1].(string)
			r, ok := recordOf(key, text, latest)
			if !ok || len(key) == 0 || len(key) > share.MaxKey || len(r.Value) > share.MaxValue {
				skipped++
				continue
			}
			page = append(page, r)
		}
	}
	return page, skipped, nil
}

// An entry of the log is a batch.
type entry struct {
	epoch   string
	changes []share.Change // not empty
}

func (e *entry) first() *share.Change { return &e.changes[0] }
func (e *entry) last() *share.Change  { return &e.changes[len(e.changes)-1] }

// entryOf decodes an entry. Its id is the revision of the last change.
func entryOf(id, epoch, previous, body string) (e entry, err error) {
	number, rest, _ := strings.Cut(id, "-")
	last, err := parseRevision(number)
	if err != nil || rest != "0" || epoch == "" {
		return e, fmt.Errorf("%w: entry %q of the log", errReply, id)
	}
	e.epoch = epoch
	before, err := parseVersion(previous)
	if err != nil {
		return e, fmt.Errorf("%w: entry %q of the log", errReply, id)
	}
	for body != "" {
		c, left, ok := changeOf(body)
		if !ok || len(e.changes) == share.MaxWrites {
			return e, fmt.Errorf("%w: entry %q of the log", errReply, id)
		}
		c.Previous, before, body = before, c.Version, left
		e.changes = append(e.changes, c)
	}
	n := uint64(len(e.changes))
	if n == 0 || last < n {
		return e, fmt.Errorf("%w: entry %q of the log", errReply, id)
	}
	for i := range e.changes {
		e.changes[i].Revision = last - n + 1 + uint64(i)
	}
	return e, nil
}

// changeOf decodes the first change of a body: an operation, the version, the lengths of key and
// value, the key and the value.
func changeOf(body string) (c share.Change, left string, ok bool) {
	if len(body) < 1+hexDigits {
		return c, "", false
	}
	var err error
	if c.Version, err = parseVersion(body[1 : 1+hexDigits]); err != nil || c.Version == 0 {
		return c, "", false
	}
	keys, left, _ := strings.Cut(body[1+hexDigits:], " ")
	values, left, _ := strings.Cut(left, " ")
	k, err1 := strconv.ParseUint(keys, 10, 16)
	v, err2 := strconv.ParseUint(values, 10, 32)
	c.Deleted = body[0] == 'd'
	switch {
	case err1 != nil || err2 != nil || k == 0 || k > share.MaxKey || v > share.MaxValue:
		return c, "", false
	case uint64(len(left)) < k+v || body[0] != 's' && (!c.Deleted || v > 0):
		return c, "", false
	}
	c.Key, c.Value = strings.Clone(left[:k]), []byte(left[k:k+v]) // the rest of the body is not kept
	return c, left[k+v:], true
}

// entriesOf decodes entries as the script returns them.
func entriesOf(reply any) (entries []entry, err error) {
	list, ok := reply.([]any)
	if !ok {
		return nil, errReply
	}
	for _, item := range list {
		pair, _ := item.([]any)
		if len(pair) != 2 {
			return nil, errReply
		}
		id, _ := pair[0].(string)
		fields, _ := pair[1].([]any)
		values := map[string]string{}
		for i := 0; i+1 < len(fields); i += 2 {
			name, _ := fields[i].(string)
			values[name], _ = fields[i+1].(string)
		}
		e, err := entryOf(id, values["e"], values["p"], values["b"])
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}
