package table_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// versions are the records of a table: the version of each key.
type versions map[string]uint64

// A reader follows a table into a mirror.
type reader struct {
	feed.Reader
	cursor *table.Cursor
	mirror versions
	frames int // of this feed
	back   bool
}

func follow(tab *table.Table) *reader {
	r := &reader{mirror: versions{}}
	r.start(tab)
	return r
}

// start begins another feed.
func (r *reader) start(tab *table.Table) {
	r.Begin()
	r.cursor, r.frames = tab.Feed(r.Position()), 0
}

func (r *reader) see(c feed.Change) {
	if c.Deleted {
		delete(r.mirror, c.Key)
	} else {
		r.mirror[c.Key] = c.Version
	}
}

// step applies the next frame, if there is one.
func (r *reader) step() (more bool, err error) {
	f, wait, err := r.cursor.Next()
	if err != nil || wait != nil {
		return false, err
	}
	r.frames++
	r.back = r.back && r.frames > 1 || f.Back
	if err = r.Apply(f, r.see); err == nil && f.Synced {
		maps.DeleteFunc(r.mirror, func(k string, _ uint64) bool { return !r.Has(k) })
	}
	return true, err
}

// read applies all frames that there are.
func (r *reader) read() error {
	for {
		if more, err := r.step(); !more || err != nil {
			return err
		}
	}
}

func (r *reader) requireRead(t *testing.T) {
	t.Helper()
	require.NoError(t, r.read())
	require.True(t, r.Synced())
}

// put writes a batch.
func put(t *testing.T, tab *table.Table, batch ...table.Write) {
	t.Helper()
	require.NoError(t, tab.Put(batch))
}

// set returns a Write whose value is its version.
func set(key string, expect, version uint64) table.Write {
	return table.Write{Key: key, Expect: expect, Version: version, Value: []byte{byte(version)}}
}

func remove(key string, expect, version uint64) table.Write {
	return table.Write{Key: key, Expect: expect, Version: version, Delete: true}
}
