package member_test

import (
	"cmp"
	"log/slog"

	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// A node is a process: a registry and a core, and how they reach the table.
type node struct {
	w       *world
	name    string
	reg     *registry
	core    *member.Core
	cursor  *table.Cursor
	life    int // crashes end it
	dead    bool
	cut     bool
	mute    bool // the table: what the node sends arrives, and no answer or change comes back
	frozen  int64
	polling bool
	in      int64 // writes arrive in order
	stuck   bool  // its feed shows nothing
	lapse   int64
	slow    int64 // a cleanup takes so long
	fails   int   // so many cleanups fail
	cleans  map[string]int
}

func (n *node) start() {
	n.life++
	n.cursor, n.polling = nil, false
	n.cleans = map[string]int{}
	n.core = member.New(member.Config{
		Registry: n.reg, Name: n.name, Lapse: cmp.Or(n.lapse, lapse), Cleans: true, MaxWrites: 100, MaxBytes: 1 << 20,
		Random: n.w.rnd.Uint64, Log: slog.New(slog.DiscardHandler),
	})
	n.tick()
}

func (n *node) crash() {
	n.dead = true
	n.life++
	n.reg.clear()
}

func (n *node) restart() {
	n.dead, n.frozen = false, 0
	n.start()
}

// do calls f on the node: later if it is frozen, and never after a crash.
func (n *node) do(life int, f func()) {
	switch {
	case n.life != life:
	case n.w.now < n.frozen:
		n.w.at(n.frozen, func() { n.do(life, f) })
	default:
		f()
	}
}

func (n *node) tick() {
	life := n.life
	n.do(life, func() {
		n.reg.sweep()
		n.core.Tick(n.w.now, true)
		n.pump()
		n.poll()
	})
	n.w.after(100*ms, func() { n.do(life, n.tick) })
}

// pump does all that the core wants at this moment.
func (n *node) pump() {
	if n.core.Resync() {
		n.cursor, n.stuck = nil, false
	}
	for more := true; more; {
		n.take()
		more = n.core.Work()
		more = more || len(n.reg.changed) > 0 && n.core.Wants() > 0 || len(n.reg.departed) > 0
	}
	for b := n.core.Next(); b != nil; b = n.core.Next() {
		n.put(b)
	}
	for x, ok := n.core.NextCleanup(); ok; x, ok = n.core.NextCleanup() {
		n.clean(x)
	}
}

func (n *node) take() {
	changed, departed := n.reg.take(n.core.Wants())
	for _, d := range departed {
		n.core.Departed(d.id, d.Ending)
	}
	for _, x := range changed {
		n.core.Changed(x.id, x.content)
	}
}

func (n *node) put(b *member.Batch) {
	life, done := n.life, false
	n.w.sent(n, b.Writes)
	finish := func(r member.Result) {
		n.do(life, func() {
			if !done {
				done = true
				n.core.Done(b, r, n.w.now)
				n.pump()
			}
		})
	}
	n.w.after(2*sec, func() { finish(member.Unclear) })
	late, lost := n.w.delays(n, b.Writes)
	if n.w.puts++; n.cut || lost {
		return
	}
	if late > 0 {
		n.w.after(late, func() { n.w.put(n, b.Writes) })
		return
	}
	n.in = max(n.in, n.w.now+n.w.between(ms/5, 5*ms))
	n.w.at(n.in, func() {
		if n.cut {
			return
		}
		r := n.w.put(n, b.Writes)
		n.w.after(n.w.between(ms/5, 5*ms), func() {
			if !n.cut && !n.mute {
				finish(r)
			}
		})
	})
}

// poll reads the feed, again and again.
func (n *node) poll() {
	if n.polling {
		return
	}
	n.polling = true
	life := n.life
	n.w.after(n.w.between(ms/5, 5*ms), func() {
		if n.life != life {
			return
		}
		if n.cut || n.mute || n.stuck && n.cursor != nil {
			n.polling = false
			return
		}
		if n.cursor == nil {
			if n.w.now < n.frozen {
				n.polling = false
				return
			}
			n.core.Begin(n.w.now)
			n.cursor = n.w.table.Feed(n.core.Position())
		}
		cursor := n.cursor
		f, wait, err := cursor.Next()
		n.do(life, func() {
			n.polling = false
			switch {
			case n.cursor != cursor || n.cut || n.mute:
			case err != nil:
				n.cursor = nil
			case wait == nil:
				n.take()
				if n.core.Apply(f, n.w.now) != nil {
					n.cursor = nil
				}
				n.pump()
				n.poll()
			}
			if n.cursor == cursor {
				n.w.after(5*ms, func() { n.do(life, n.poll) })
			}
		})
	})
}

func (n *node) clean(x member.Cleanup) {
	life := n.life
	key := record.GoneKey(x.Host, x.Gone.Host.Registration)
	n.w.after(n.w.between(ms, 300*ms)+n.slow, func() {
		n.do(life, func() {
			ok := n.fails == 0
			if ok {
				n.w.cleaned(n, key)
			} else {
				n.fails--
			}
			n.core.Cleaned(x, ok, n.w.now)
			n.pump()
		})
	})
}

// up reports whether the node answers hosts.
func (n *node) up() bool { return !n.dead && n.w.now >= n.frozen }

func (n *node) ready() bool {
	_, ok := n.core.Ready()
	return n.up() && ok
}

// heartbeat is a contact of a host. It announces itself if it is not registered.
func (n *node) heartbeat(id string) bool {
	if !n.ready() {
		return false
	}
	if !n.reg.heartbeat(id) {
		n.reg.announce(id, 0, "x")
	}
	n.w.heardBy(n, id)
	n.pump()
	return true
}

func (n *node) leave(id string) bool {
	if !n.ready() || !n.reg.leave(id) {
		return false
	}
	n.w.left(id)
	n.pump()
	return true
}
