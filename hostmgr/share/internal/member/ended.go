package member

const maxEnded = 1 << 15

// ended has the latest registrations whose end the feed has shown: a registration ends once, and is
// cleaned up once, even if the table loses its end, or an old write arrives late.
type ended struct {
	of    map[departed]end
	order []departed
	next  int
}

type departed struct {
	host         hostKey
	registration uint64
}

// An end says how a registration has ended.
type end struct {
	kind uint8
	done bool // its shared cleanup is done
}

func (e *ended) add(d departed, x end) {
	if e.of == nil {
		e.of = map[departed]end{}
	}
	if was, ok := e.of[d]; ok {
		x.done = x.done || was.done
		e.of[d] = x
		return
	}
	if len(e.order) < maxEnded {
		e.order = append(e.order, d)
	} else {
		delete(e.of, e.order[e.next])
		e.order[e.next] = d
		e.next = (e.next + 1) % maxEnded
	}
	e.of[d] = x
}

// cleaned notes that the cleanup of a registration is done.
func (e *ended) cleaned(d departed) {
	if x, ok := e.of[d]; ok {
		x.done = true
		e.of[d] = x
	}
}

func (e *ended) get(k hostKey, registration uint64) (x end, ok bool) {
	x, ok = e.of[departed{k, registration}]
	return x, ok
}
