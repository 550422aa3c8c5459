package feed_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
)

// A history is a table that remembers all that it ever was: states[i] is the table after i batches.
type history struct {
	rnd     *rand.Rand
	shared  bool   // the changes of a batch have one revision
	unused  uint64 // revisions between two
	batches [][]feed.Change
	states  []map[string]feed.Record
	marks   []feed.Mark
}

func newHistory(rnd *rand.Rand) *history {
	return &history{
		rnd: rnd, shared: rnd.IntN(2) == 0, unused: rnd.Uint64N(3),
		states: []map[string]feed.Record{{}}, marks: []feed.Mark{{}},
	}
}

// write adds a batch of one to four changes of different keys.
func (h *history) write() {
	state := maps.Clone(h.states[len(h.states)-1])
	at := h.marks[len(h.marks)-1]
	var batch []feed.Change
	for i, k := range h.rnd.Perm(8)[:1+h.rnd.IntN(4)] {
		c := feed.Change{Key: fmt.Sprint("k", k), Revision: at.Revision, Version: h.rnd.Uint64() | 1, Previous: at.Version}
		if i == 0 || !h.shared {
			c.Revision += 1 + h.rnd.Uint64N(h.unused+1)
		}
		if _, there := state[c.Key]; there && h.rnd.IntN(2) == 0 {
			c.Deleted = true
			delete(state, c.Key)
		} else {
			c.Value = fmt.Append(nil, c.Version)
			state[c.Key] = feed.Record{Key: c.Key, Revision: c.Revision, Version: c.Version, Value: c.Value}
		}
		at = feed.Mark{Revision: c.Revision, Version: c.Version}
		batch = append(batch, c)
	}
	h.batches, h.states, h.marks = append(h.batches, batch), append(h.states, state), append(h.marks, at)
}

// fork returns a history that has lost batches, and goes on in another way.
func (h *history) fork(lost, more int) *history {
	f := *h
	keep := len(h.batches) - lost
	f.batches, f.states, f.marks = slices.Clone(h.batches[:keep]), slices.Clone(h.states[:keep+1]), slices.Clone(h.marks[:keep+1])
	for range more {
		f.write()
	}
	return &f
}

// at returns the number of batches up to a mark.
func (h *history) at(m feed.Mark) int { return slices.Index(h.marks, m) }

// frames returns a feed that begins after some batches and has all of the rest. Each page is read
// at any later time. Pages and changes are mixed at random.
func (h *history) frames(begin int) (frames []feed.Frame) {
	next, complete, pages := begin, begin, h.rnd.Perm(1+h.rnd.IntN(4))
	all, synced := len(pages), false
	for next < len(h.batches) || !synced {
		f := feed.Frame{Epoch: "e", Revision: h.marks[next].Revision, Version: h.marks[next].Version}
		if len(pages) > 0 && h.rnd.IntN(2) == 0 {
			read := begin + h.rnd.IntN(len(h.batches)-begin+1)
			complete = max(complete, read)
			h.read(&f, read, pages[0], all)
			pages = pages[1:]
		}
		for next < len(h.batches) && h.rnd.IntN(2) == 0 {
			f.Changes = append(f.Changes, h.batches[next]...)
			next++
		}
		if len(pages) == 0 && !synced && next >= complete && h.rnd.IntN(2) == 0 {
			f.Synced, synced = true, true
		}
		frames = append(frames, f)
	}
	return frames
}

// read gives a frame one page out of all, as the table was after some batches.
func (h *history) read(f *feed.Frame, after, page, all int) {
	f.Snapshot = nil
	f.PageRevision, f.PageVersion = h.marks[after].Revision, h.marks[after].Version
	for _, k := range slices.Sorted(maps.Keys(h.states[after])) {
		if int(k[1])%all == page {
			f.Snapshot = append(f.Snapshot, h.states[after][k])
		}
	}
}

// A mirror is what a reader's owner makes of it.
type mirror struct {
	feed.Reader
	records map[string]feed.Record
	fallen  string // a key whose revision fell within one feed
	latest  map[string]uint64
}

func newMirror() *mirror { return &mirror{records: map[string]feed.Record{}} }

func (m *mirror) begin() {
	m.Begin()
	m.latest = map[string]uint64{}
}

func (m *mirror) see(c feed.Change) {
	if c.Revision <= m.latest[c.Key] {
		m.fallen = c.Key
	}
	m.latest[c.Key] = c.Revision
	if c.Deleted {
		delete(m.records, c.Key)
	} else {
		m.records[c.Key] = feed.Record{Key: c.Key, Revision: c.Revision, Version: c.Version, Value: c.Value}
	}
}

func (m *mirror) apply(f feed.Frame) error {
	if err := m.Apply(f, m.see); err != nil {
		return err
	}
	if f.Synced {
		maps.DeleteFunc(m.records, func(k string, _ feed.Record) bool { return !m.Has(k) })
	}
	return nil
}
