package member_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

var (
	seeds = flag.Int("seeds", 1, "seeds of each mix of faults")
	first = flag.Uint64("seed", 1, "the first seed")
)

// faults are those of a mix.
type faults struct {
	crash, freeze, cut, down, lose, wipe, mute bool
}

// lossy reports whether the table may lose what was written: then a departure may be repeated.
func (f faults) lossy() bool { return f.lose || f.wipe }

func TestRandom(t *testing.T) {
	for name, f := range map[string]faults{
		"none":       {},
		"crash":      {crash: true},
		"freeze":     {freeze: true},
		"cut":        {cut: true},
		"mute":       {mute: true},
		"down":       {down: true},
		"safe":       {crash: true, freeze: true, cut: true, down: true},
		"lose":       {lose: true},
		"wipe":       {wipe: true},
		"everything": {crash: true, freeze: true, cut: true, down: true, lose: true, wipe: true},
	} {
		t.Run(name, func(t *testing.T) {
			var sum tally
			for s := *first; s < *first+uint64(*seeds); s++ {
				sum.add(play(t, s, f))
			}
			t.Logf("%+v", sum)
		})
	}
}

type tally struct {
	contacts, evicted, ends, twice, departed, departedTwice, cleans, cleanedTwice, writes, revived int
}

func (a *tally) add(b tally) {
	a.contacts += b.contacts
	a.evicted += b.evicted
	a.ends += b.ends
	a.twice += b.twice
	a.cleans += b.cleans
	a.departed += b.departed
	a.departedTwice += b.departedTwice
	a.cleanedTwice += b.cleanedTwice
	a.writes += b.writes
	a.revived += b.revived
}

const calm = 300 * sec // faults until then

// play is one run: hosts at home with one member, with all, or roaming; faults; then rest.
func play(t *testing.T, seed uint64, f faults) (sum tally) {
	defer func() {
		if t.Failed() {
			t.Logf("repeat with -run %s -seeds 1 -seed %d", t.Name(), seed)
		}
	}()
	w := newWorld(t, seed, 0)
	if testing.Verbose() && *seeds == 1 {
		w.trace = t.Logf
	}
	for i := range 2 + w.rnd.IntN(3) {
		w.add(string(rune('A' + i)))
	}
	for i := range 9 {
		w.fickle(fmt.Sprintf("h%d", i), i%3, &sum)
	}
	w.after(20*sec, func() { w.trouble(f) })
	w.run(calm + 240*sec)
	require.Empty(t, w.wrong)
	for _, r := range w.records() {
		require.Equal(t, record.KindMember, record.ParseKey(r.Key).Kind, "left over: %s", r.Key)
	}
	for _, n := range w.nodes {
		require.True(t, n.ready(), n.name)
		require.Empty(t, n.reg.hosts, n.name)
		s := n.core.Stats()
		require.Len(t, s.Peers, len(w.nodes))
		require.Zero(t, s.Kept+s.Mirrored+s.Pending+s.Debts+s.Asking+s.Cleaning, "%+v", s)
		require.Zero(t, s.Unmirrored+s.Matters+s.Appointments, "at rest: %+v", s)
		sum.revived += int(s.Revived)
	}
	for k, n := range w.ends {
		sum.ends++
		sum.twice += n - 1
		if !f.lossy() {
			require.NotZero(t, w.cleans[k], k)
		}
		if !f.lossy() && !f.mute {
			require.Equal(t, 1, n, k)
		}
		if f == (faults{mute: true}) { // it ends no cleanup
			require.Equal(t, 1, w.cleans[k], k)
		}
	}
	for k, n := range w.local {
		if sum.departed++; n > 1 {
			sum.departedTwice++
		}
		if !f.lossy() {
			require.Equal(t, 1, n, k)
		}
	}
	for _, n := range w.cleans {
		sum.cleans++
		sum.cleanedTwice += n - 1
	}
	sum.evicted, sum.writes = w.evicted, w.writes
	return sum
}

// fickle makes a host that sends heartbeats, hangs, leaves, falls silent and comes back.
func (w *world) fickle(id string, style int, sum *tally) {
	home := w.rnd.IntN(len(w.nodes))
	until := w.between(20*sec, calm+30*sec)
	var beat func()
	beat = func() {
		if w.now > until {
			switch w.rnd.IntN(4) {
			case 0:
				for _, k := range w.rnd.Perm(len(w.nodes)) {
					if w.nodes[k].leave(id) {
						break
					}
				}
			case 1:
				if w.now < calm {
					until = w.now + w.between(30*sec, 200*sec)
					w.after(w.between(sec, 60*sec), beat)
				}
			}
			return
		}
		next := interval - w.between(0, sec)
		switch ok := w.contact(id, style, &home); {
		case !ok:
			next = sec
		default:
			sum.contacts++
		}
		if w.rnd.IntN(20) == 0 {
			next += w.between(0, 20*sec)
		}
		w.after(next, beat)
	}
	w.after(w.between(sec, 10*sec), beat)
}

func (w *world) contact(id string, style int, home *int) (ok bool) {
	restarts := w.rnd.IntN(30) == 0
	if n := w.nodes[w.rnd.IntN(len(w.nodes))]; restarts && n.ready() {
		n.reg.announce(id, uint64(w.now), fmt.Sprint(w.now))
		w.heardBy(n, id)
		n.pump()
		return true
	}
	switch style {
	case 0:
		if ok = w.nodes[*home].heartbeat(id); !ok {
			*home = w.rnd.IntN(len(w.nodes))
		}
	case 1:
		for _, n := range w.nodes {
			ok = n.heartbeat(id) || ok
		}
	default:
		ok = w.nodes[w.rnd.IntN(len(w.nodes))].heartbeat(id)
	}
	return ok
}

func (w *world) trouble(f faults) {
	if w.now > calm {
		return
	}
	n := w.nodes[w.rnd.IntN(len(w.nodes))]
	switch k := w.rnd.IntN(6); {
	case k == 0 && f.crash && !n.dead:
		w.say("CRASH %s", n.name)
		n.crash()
		w.after(w.between(100*ms, 60*sec), n.restart)
	case k == 1 && f.freeze:
		w.say("FREEZE %s", n.name)
		n.frozen = w.now + w.between(sec, 60*sec)
	case k == 2 && f.cut && !n.cut:
		w.say("CUT %s", n.name)
		n.cut = true
		w.after(w.between(sec, 60*sec), func() { n.cut = false; n.cursor = nil; w.say("UNCUT %s", n.name) })
	case k < 4 && f.mute:
		w.mutes(n, w.between(sec, 60*sec))
	case k == 3 && f.down:
		w.say("DOWN")
		w.table.SetDown(true)
		w.after(w.between(sec, 60*sec), func() { w.table.SetDown(false); w.say("UP") })
	case k == 4 && f.lose:
		w.say("LOSE %d", w.table.Lose(1+w.rnd.IntN(30)))
	case k == 5 && f.wipe && w.rnd.IntN(3) == 0:
		w.say("WIPE")
		w.table.Wipe()
	}
	w.after(w.between(sec, 40*sec), func() { w.trouble(f) })
}

// mutes lets no answer reach a node from its next write of a new registration on, for some time.
func (w *world) mutes(n *node, d int64) {
	known := map[uint64]bool{}
	for _, h := range n.reg.hosts {
		known[h.registration] = h.keeper != 0
	}
	w.onHost = func(by *node, _ string, h *record.Host) {
		if by != n || known[h.Registration] {
			return
		}
		w.say("MUTE %s", n.name)
		w.onHost, n.mute = func(*node, string, *record.Host) {}, true
		w.after(d, func() { n.returns(); w.say("UNMUTE %s", n.name) })
	}
}
