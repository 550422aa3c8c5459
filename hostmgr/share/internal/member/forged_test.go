package member_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// A forger writes records that no member writes: malformed ones, and those that contradict each
// other.
type forger struct {
	w   *world
	rnd *rand.Rand
}

func (f *forger) write() {
	now := map[string]uint64{}
	for _, r := range f.w.records() {
		now[r.Key] = r.Version
	}
	key, value := f.record()
	x := table.Write{Key: key, Expect: now[key], Version: f.rnd.Uint64() | 1, Value: value}
	if x.Expect != 0 && f.rnd.IntN(3) == 0 {
		x.Delete, x.Value = true, nil
	}
	_ = f.w.table.Put([]table.Write{x})
	if f.w.now < calm {
		f.w.after(f.w.between(10*ms, 500*ms), f.write)
	}
}

func (f *forger) member() string {
	ids := []string{"x", "y"}
	for _, n := range f.w.nodes {
		ids = append(ids, n.core.Stats().ID)
	}
	return ids[f.rnd.IntN(len(ids))]
}

func (f *forger) record() (key string, value []byte) {
	id, bit := fmt.Sprint("h", f.rnd.IntN(12)), func() bool { return f.rnd.IntN(2) == 0 }
	h := record.Host{
		Registration: 1 + f.rnd.Uint64N(40), Keeper: f.member(), Suspect: bit(), Asked: bit(), Claimed: bit(),
		Content: record.Content{Incarnation: 1 + f.rnd.Uint64N(9), Assigned: bit(), Interval: uint64(interval)},
	}
	switch f.rnd.IntN(6) {
	case 0:
		m := record.Member{Counter: 1, Read: f.rnd.Uint64N(5000), Version: f.rnd.Uint64(), Lapse: uint64(lapse)}
		return record.MemberKey(f.member()), m.Encode()
	case 1:
		g := record.Gone{Kind: uint8(1 + f.rnd.IntN(6)), Cleaner: f.member(), Host: h}
		return record.GoneKey(id, h.Registration), g.Encode()
	case 2:
		return []string{"h/" + id, "m/" + f.member(), "gone/" + id + "/1", "z"}[f.rnd.IntN(4)], []byte{byte(f.rnd.IntN(3)), 1}
	default:
		return record.HostKey(id), h.Encode()
	}
}

// Whatever is in the table, no member panics, and all go on: what they create afterwards is shared,
// and ends.
func TestForgedRecords(t *testing.T) {
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		w := newWorld(t, seed, 3)
		var sum tally
		for i := range 6 {
			w.fickle(fmt.Sprintf("h%d", i), i%3, &sum)
		}
		f := &forger{w, rand.New(rand.NewPCG(seed, 2))}
		w.after(10*sec, f.write)
		w.run(calm + 120*sec)
		for _, n := range w.nodes {
			require.True(t, n.ready(), "seed %d: %s", seed, n.name)
			require.Len(t, n.core.Stats().Peers, 3, "seed %d", seed)
		}
		w.nodes[0].heartbeat("fresh")
		w.run(sec)
		w.everywhere("fresh")
		w.run(timeout + 5*sec)
		require.Nil(t, w.host("fresh"), "seed %d", seed)
	}
}
