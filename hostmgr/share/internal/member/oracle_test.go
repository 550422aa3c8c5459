package member_test

import (
	"errors"
	"fmt"

	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// An oracle knows what really happens.
type oracle struct {
	w        *world
	contacts map[string][]contact
	asked    map[string]int64 // when the latest question about a host was decided
	ends     map[string]int   // gone records that were created
	cleans   map[string]int
	local    map[string]int // departures of a registration, by registry
	wrong    []string
	evicted  int
	writes   int
	replaced map[uint64]bool // registrations of earlier processes
	renewals int
}

type contact struct {
	at   int64
	node *node
	id   string // of the member

	registration uint64
}

func newOracle(w *world) *oracle {
	return &oracle{w: w, contacts: map[string][]contact{}, asked: map[string]int64{}, ends: map[string]int{}, cleans: map[string]int{}, local: map[string]int{}, replaced: map[uint64]bool{}}
}

func (o *oracle) fail(format string, a ...any) {
	o.wrong = append(o.wrong, fmt.Sprintf("%.3fs: ", float64(o.w.now)/1e9)+fmt.Sprintf(format, a...))
}

func (o *oracle) heardBy(n *node, id string) {
	o.contacts[id] = append(o.contacts[id], contact{o.w.now, n, n.core.Stats().ID, n.reg.hosts[id].registration})
	o.w.say("%s hears %s", n.name, id)
}

func (o *oracle) left(id string) { o.contacts[id] = nil; o.w.say("left %s", id) }

// sent is called when a member decides to write.
func (o *oracle) sent(n *node, writes []member.Write) {
	for _, x := range writes {
		k := record.ParseKey(x.Key)
		if h, err := record.DecodeHost(x.Value); err == nil && k.Kind == record.KindHost {
			if h.Asked && !h.Claimed {
				o.asked[k.ID] = o.w.now
			}
		}
	}
}

// put writes into the table.
func (w *world) put(n *node, writes []member.Write) member.Result {
	batch := make([]table.Write, len(writes))
	for i, x := range writes {
		batch[i] = table.Write(x)
	}
	err := w.table.Put(batch)
	if err == nil {
		for _, x := range writes {
			w.wrote(n, x)
		}
	}
	switch {
	case err == nil:
		return member.Written
	case errors.Is(err, table.ErrVersion):
		w.say("%s conflict %s", n.name, writes[0].Key)
		return member.Conflict
	default:
		return member.Unclear
	}
}

func (o *oracle) wrote(n *node, x member.Write) {
	k := record.ParseKey(x.Key)
	if k.Kind == record.KindMember {
		if o.renewals++; x.Delete {
			o.w.say("%s deletes %s", n.name, x.Key)
		}
		return
	}
	o.writes++
	if h, err := record.DecodeHost(x.Value); err == nil && k.Kind == record.KindHost {
		o.w.onHost(n, k.ID, &h)
		o.w.say("%s writes %s reg %d keeper %.4s asked %v claimed %v suspect %v", n.name, x.Key, h.Registration, h.Keeper, h.Asked, h.Claimed, h.Suspect)
	} else {
		o.w.say("%s writes %s, expecting %x, delete %v", n.name, x.Key, x.Expect, x.Delete)
	}
	if k.Kind == record.KindGone && x.Expect == 0 {
		o.ends[x.Key]++
		o.w.onGone(x)
	}
}

// evicts checks the promise: a contact that a live member acknowledged before the question was
// asked protects its host.
func (o *oracle) evicts(r *registry, id string) {
	o.evicted++
	o.w.say("%s evicts %s", r.name, id)
	alive := map[string]bool{}
	for _, x := range o.w.records() {
		if k := record.ParseKey(x.Key); k.Kind == record.KindMember {
			alive[k.ID] = true
		}
	}
	for _, x := range o.contacts[id] {
		if x.at < o.asked[id] && !o.replaced[x.registration] && o.w.now-x.at <= timeout && alive[x.id] {
			o.fail("%s evicted %s, asked at %.3fs, but %s heard it at %.3fs", r.name, id, float64(o.asked[id])/1e9, x.node.name, float64(x.at)/1e9)
		}
	}
}

func (o *oracle) joins(r *registry, id string, registration uint64) {
	o.w.say("%s joins %s %d", r.name, id, registration)
}

func (o *oracle) departs(r *registry, id string, registration uint64, kind uint8) {
	o.local[fmt.Sprint(r.name, r.life, " ", id, " ", registration)]++
	o.replaced[registration] = o.replaced[registration] || kind == 3
	o.w.say("%s departs %s %d kind %d", r.name, id, registration, kind)
}

func (o *oracle) cleaned(n *node, key string) {
	o.cleans[key]++
	o.w.say("%s cleans %s", n.name, key)
}
