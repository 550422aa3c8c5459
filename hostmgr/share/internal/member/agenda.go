package member

import "container/heap"

// An agenda has hosts, and debts, that are to be looked at later.
type agenda struct{ items appointments }

// An appointment is kept once. It may be out of date: then the look finds nothing to do.
type appointment struct {
	at     int64
	key    string
	debt   bool
	word   int64 // the silence of a host that is doubted; 0: none
	relief int64 // roamer.since, if it is for a relief; 0: it is not
}

type appointments []appointment

func (a appointments) Len() int           { return len(a) }
func (a appointments) Less(i, j int) bool { return a[i].at < a[j].at }
func (a appointments) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *appointments) Push(x any)        { *a = append(*a, x.(appointment)) }
func (a *appointments) Pop() any {
	old := *a
	x := old[len(old)-1]
	old[len(old)-1] = appointment{}
	*a = old[:len(old)-1]
	return x
}

func (a *agenda) add(x appointment) { heap.Push(&a.items, x) }

// due looks at what is due now.
func (a *agenda) due(c *Core) {
	for len(a.items) > 0 && a.items[0].at <= c.now {
		x := heap.Pop(&a.items).(appointment)
		switch {
		case x.debt:
			c.debts.look(c, x.key)
			continue
		case x.relief != 0:
			c.await(x.key, x.relief)
			continue
		}
		if x.word != 0 {
			c.open(x.key).doubted = x.word
		}
		if m := c.matters[x.key]; m != nil { // else it is settled
			c.enqueue(m)
		}
	}
}
