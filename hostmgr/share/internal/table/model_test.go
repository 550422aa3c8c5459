package table_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// A model is a naive table: it keeps every state that it ever was in.
type model struct {
	sizes  []int // of the batches
	states []versions
	last   []uint64 // the version of the last change of each batch
	epochs int
}

func (m *model) now() versions { return m.states[len(m.states)-1] }

// put writes a batch, or returns false.
func (m *model) put(batch []table.Write) bool {
	next := maps.Clone(m.now())
	for _, w := range batch {
		if m.now()[w.Key] != w.Expect {
			return false
		}
		if next[w.Key] = w.Version; w.Delete {
			delete(next, w.Key)
		}
	}
	m.sizes, m.states = append(m.sizes, len(batch)), append(m.states, next)
	m.last = append(m.last, batch[len(batch)-1].Version)
	return true
}

func (m *model) lose(n int) (lost int) {
	for lost < n && len(m.sizes) > 0 {
		last := len(m.sizes) - 1
		lost += m.sizes[last]
		m.sizes, m.states, m.last = m.sizes[:last], m.states[:last+1], m.last[:last]
	}
	return lost
}

func (m *model) wipe() {
	m.sizes, m.states, m.last = nil, []versions{{}}, nil
	m.epochs++
}

// lacks reports whether a position is not in the history.
func (m *model) lacks(after feed.Position) bool {
	return after != feed.Position{} && (after.Epoch != fmt.Sprint("t-", 1+m.epochs) ||
		after.Version != 0 && !slices.Contains(m.last, after.Version))
}

// A play is a table, its model and three readers in a random order of steps.
type play struct {
	t       *testing.T
	rnd     *rand.Rand
	table   *table.Table
	model   model
	readers []*reader
	seen    map[string]int
}

func (p *play) batch() (batch []table.Write) {
	for _, k := range p.rnd.Perm(8)[:1+p.rnd.IntN(4)] {
		key := fmt.Sprint("k", k)
		expect := p.model.now()[key]
		if p.rnd.IntN(20) == 0 {
			expect = uint64(p.rnd.IntN(2)) // wrong, most of the time
		}
		w := set(key, expect, p.rnd.Uint64()|1)
		w.Delete = expect != 0 && p.rnd.IntN(3) == 0
		batch = append(batch, w)
	}
	return batch
}

func (p *play) act(faults bool) {
	switch n := p.rnd.IntN(40); {
	case n < 20:
		batch := p.batch()
		if p.model.put(batch) {
			require.NoError(p.t, p.table.Put(batch))
		} else {
			require.ErrorIs(p.t, p.table.Put(batch), table.ErrVersion)
			p.seen["refused"]++
		}
	case n < 38 || !faults:
		r := p.readers[p.rnd.IntN(len(p.readers))]
		if p.read(r); r.Synced() && !faults {
			require.True(p.t, slices.ContainsFunc(p.model.states, func(v versions) bool { return maps.Equal(v, r.mirror) }))
		}
	case n < 39:
		n := 1 + p.rnd.IntN(6)
		require.Equal(p.t, p.model.lose(n), p.table.Lose(n))
	default:
		p.model.wipe()
		p.table.Wipe()
	}
}

// read takes one step of a reader. A reader whose feed is broken starts over.
func (p *play) read(r *reader) {
	lacks := p.model.lacks(r.Position())
	more, err := r.step()
	if r.frames == 1 && more && err == nil {
		require.Equal(p.t, lacks, r.back)
		p.seen[fmt.Sprint("back ", r.back)]++
	}
	if err != nil {
		require.True(p.t, errors.Is(err, feed.ErrBroken) || errors.Is(err, table.ErrGap), err)
		p.seen[errors.Unwrap(err).Error()]++
		r.start(p.table)
	} else if r.Synced() {
		p.seen["synced"]++
	}
}

// settle lets all readers read the rest. A change makes them notice that the table went back.
func (p *play) settle() {
	for range 20 { // with ByRevision, the table has to pass the old revision
		key := "settle"
		w := set(key, p.model.now()[key], p.rnd.Uint64()|1)
		require.True(p.t, p.model.put([]table.Write{w}))
		put(p.t, p.table, w)
	}
	for _, r := range p.readers {
		for range 2 {
			if r.read() == nil && r.Latest().Version == p.model.now()["settle"] {
				break
			}
			r.start(p.table)
			require.NoError(p.t, r.read())
		}
		require.True(p.t, r.Synced())
		require.Equal(p.t, p.model.now(), r.mirror)
	}
}

// Writers, readers and faults in random order: each answer is that of the model. A synced reader
// has a state in which the table was, and in the end the latest one.
func TestModel(t *testing.T) {
	seen := map[string]int{}
	seeds(t, 800, 400_000, func(t *testing.T, rnd *rand.Rand) {
		c := table.Config{
			Pages: 1 + rnd.IntN(5), Log: 10 + rnd.IntN(100), Chunk: 1 + rnd.IntN(5),
			Shared: rnd.IntN(2) == 0, Unused: rnd.Uint64N(2), ByRevision: rnd.IntN(2) == 0,
		}
		p := &play{t: t, rnd: rnd, table: table.New("t", c), seen: seen, model: model{states: []versions{{}}}}
		faults := rnd.IntN(2) == 0
		if faults {
			p.table = table.New("t", table.Config{Pages: c.Pages, Chunk: c.Chunk, Shared: c.Shared, Unused: c.Unused, ByRevision: c.ByRevision})
		}
		for range 3 {
			p.readers = append(p.readers, follow(p.table))
		}
		for range 300 {
			p.act(faults)
		}
		p.settle()
	})
	t.Log(seen)
	if *oneSeed == 0 {
		for _, what := range []string{"refused", "synced", "back true", "back false", feed.ErrBroken.Error(), table.ErrGap.Error()} {
			require.NotZero(t, seen[what], what)
		}
	}
}
