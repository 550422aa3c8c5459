// Package table is an engine in memory: a table of versioned records with one ordered feed of
// changes. It is what Memory of package share is made of, and what simulations of the protocol run
// on. It can fail in the ways of real engines: see [Table.Lose], [Table.Wipe], [Table.Fork] and
// [Table.SetDown].
//
// It has no goroutines and no clock. With the same calls, two tables do the same.
package table

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"sync"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
)

var (
	// ErrVersion means that a record did not have the version that a Write expected.
	ErrVersion = errors.New("table: another version")
	// ErrGap means that a cursor cannot go on.
	ErrGap = errors.New("table: gap")
	// ErrDown means that the table is down.
	ErrDown = errors.New("table: down")
)

// A Write has the fields of that of package share.
type Write struct {
	Key             string
	Expect, Version uint64
	Value           []byte
	Delete          bool
}

// Config says how a table numbers, keeps and shows its changes. The zero value is that of Memory.
type Config struct {
	Pages int // of a snapshot, the records spread over them by hash; 0: 256
	Log   int // changes that are kept at least; the log has at most twice as many. 0: 32,768
	Chunk int // changes of a frame, or those of one batch if they are more; 0: 1024

	// Shared gives all changes of a batch one revision, as etcd does. Otherwise each has its own.
	Shared bool
	// Unused is how many numbers are left out after each revision, as etcd does for other keys.
	Unused uint64
	// ByRevision makes cursors continue after their revision, as etcd does, even if the table has
	// gone back. They see nothing until it has passed the revision again. Otherwise they continue
	// after the time of what they have read, as in a Redis stream, and see each later change.
	ByRevision bool
}

func (c Config) withDefaults() Config {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&c.Pages, 256)
	set(&c.Log, 1<<15)
	set(&c.Chunk, 1<<10)
	return c
}

// A Table is the engine. All methods may be called concurrently.
type Table struct {
	name string // of its epochs

	mu sync.Mutex // guards the fields below; never held while a cursor waits
	content
	down bool
	wake chan struct{} // closed after the next change; nil if no cursor waits
}

// content is what a table has. A copy of it is a replica.
type content struct {
	cfg     Config
	epochs  int
	pages   []map[string]*feed.Record
	log     []entry
	latest  feed.Mark
	time    uint64 // of the latest change: a number that no other change of this table gets
	trimmed uint64 // the position of the latest change that the log no longer has
	kept    uint64 // no change up to this revision was ever lost
}

// An entry is a change in the log. Entries, and what they point to, are never changed.
type entry struct {
	feed.Change
	was      *feed.Record // that it replaced; nil if there was none
	before   feed.Mark
	position uint64
	last     bool // of its batch
}

// New returns an empty table. Its epochs begin with the name.
func New(name string, c Config) *Table {
	t := &Table{name: name, content: content{cfg: c.withDefaults()}}
	t.clear()
	return t
}

func (t *content) clear() {
	t.epochs++
	t.pages = make([]map[string]*feed.Record, t.cfg.Pages)
	for i := range t.pages {
		t.pages[i] = map[string]*feed.Record{}
	}
	t.log, t.latest, t.trimmed, t.kept = nil, feed.Mark{}, 0, math.MaxUint64
}

func (t *content) page(key string) map[string]*feed.Record {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return t.pages[h.Sum32()%uint32(len(t.pages))] //nolint:gosec // few pages
}

func (t *Table) epoch() string { return fmt.Sprintf("%s-%d", t.name, t.epochs) }

// Put writes all records of a valid batch, or none.
func (t *Table) Put(batch []Write) error {
	values := make([][]byte, len(batch))
	for i := range batch {
		values[i] = append([]byte(nil), batch[i].Value...)
	}
	wake, err := t.put(batch, values)
	if wake != nil {
		close(wake)
	}
	return err
}

// put returns the channel that is to be closed without the lock.
func (t *Table) put(batch []Write, values [][]byte) (wake chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.down {
		return nil, ErrDown
	}
	if len(batch) == 0 {
		return nil, nil
	}
	for i := range batch {
		if w := &batch[i]; t.version(w.Key) != w.Expect {
			return nil, fmt.Errorf("%w of %q", ErrVersion, w.Key)
		}
	}
	for i := range batch {
		t.write(&batch[i], values[i], i == 0, i == len(batch)-1)
	}
	t.trim()
	return t.takeWake(), nil
}

func (t *Table) takeWake() chan struct{} {
	wake := t.wake
	t.wake = nil
	return wake
}

func (t *content) version(key string) uint64 {
	if r := t.page(key)[key]; r != nil {
		return r.Version
	}
	return 0
}

// write changes a record. It is given whether the write is the first and the last of its batch.
func (t *content) write(w *Write, value []byte, first, last bool) {
	next := feed.Mark{Revision: t.latest.Revision, Version: w.Version}
	if first || !t.cfg.Shared {
		next.Revision += 1 + t.cfg.Unused
	}
	page := t.page(w.Key)
	e := entry{was: page[w.Key], before: t.latest, last: last, Change: feed.Change{
		Key: w.Key, Revision: next.Revision, Version: next.Version, Previous: t.latest.Version,
		Value: value, Deleted: w.Delete,
	}}
	t.time++
	t.latest = next
	e.position = t.position()
	t.log = append(t.log, e)
	if w.Delete {
		delete(page, w.Key)
	} else {
		page[w.Key] = &feed.Record{Key: w.Key, Revision: next.Revision, Version: next.Version, Value: value}
	}
}

// position returns where the log ends, as a cursor remembers it.
func (t *content) position() uint64 {
	if t.cfg.ByRevision {
		return t.latest.Revision
	}
	return t.time
}

// trim drops the oldest batches when the log has twice as many changes as it has to keep.
func (t *content) trim() {
	if len(t.log) <= 2*t.cfg.Log {
		return
	}
	n := len(t.log) - t.cfg.Log
	for n > 0 && !t.log[n-1].last {
		n--
	}
	if n > 0 {
		t.trimmed = t.log[n-1].position
		t.log = append([]entry(nil), t.log[n:]...)
	}
}
