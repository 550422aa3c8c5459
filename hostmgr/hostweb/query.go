package hostweb

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	defaultSize = 50
	maxSize     = 200
	maxDepth    = 100_000 // hosts that the pages of one order cover
	shallow     = 1_000   // a page that ends here or before is not deep
	maxText     = 1024    // bytes of a search or a zone, as of an id or a zone
)

// A query says which page of the table to show. It is comparable, so that equal queries can share
// an answer.
type query struct {
	Search            string // in lower case
	States            stateSet
	Zone, Sort, Order string
	Page, Size        int
}

// A stateSet is a set of states, by their numbers in states; the zero stateSet has all hosts.
type stateSet uint8

func (s stateSet) Has(state string) bool { return s&(1<<slices.Index(states, state)) != 0 }

// parseStates parses a list like "suspect,offline".
func parseStates(list string) (set stateSet, err error) {
	for name := range strings.SplitSeq(list, ",") {
		if _, err := oneOf("state", name, states); err != nil {
			return 0, err
		}
		set |= 1 << slices.Index(states, name)
	}
	return set, nil
}

// matches reports whether a host is in a state of the set. A host that is held is so in addition to
// its state.
func (s stateSet) matches(h hostmgr.State, held bool) bool {
	return s == 0 || s.Has(h.String()) || held && s.Has("held")
}

var (
	states = []string{"alive", "late", "suspect", "offline", "held"}
	sorts  = []string{"id", "zone", "state", "contact", "evict", "joined"}

	parameters = []string{"search", "state", "zone", "sort", "order", "page", "size"}
)

// parseQuery parses the query part of a URL. Its error says what is wrong.
func parseQuery(raw string) (query, error) {
	values, err := single(raw)
	if err != nil {
		return query{}, err
	}
	return queryOf(values)
}

// parsePage parses the query part of the address of the page, and also returns the id of the host
// that the page shows in full. It ignores parameters that are not its own, which a proxy or a chat
// may add.
func parsePage(raw string) (q query, host string, err error) {
	values, err := single(raw)
	if err != nil {
		return q, "", err
	}
	maps.DeleteFunc(values, func(name, _ string) bool { return !slices.Contains(parameters, name) && name != "host" })
	host, err = text("host", values["host"])
	if err != nil {
		return q, "", err
	}
	delete(values, "host")
	q, err = queryOf(values)
	return q, host, err
}

func queryOf(values map[string]string) (query, error) {
	q := query{Sort: "state", Page: 1, Size: defaultSize}
	for name, value := range values {
		if err := q.set(name, value); err != nil {
			return q, err
		}
	}
	if q.Order == "" {
		q.Order = "asc"
		if q.Sort == "state" {
			q.Order = "desc"
		}
	}
	if q.Page > maxDepth/q.Size {
		return q, fmt.Errorf("page %d of %d hosts each is too deep: pages cover only the first %d hosts", q.Page, q.Size, maxDepth)
	}
	return q, nil
}

// set sets one parameter. An empty one counts as not given.
func (q *query) set(name, value string) (err error) {
	if value == "" && name != "" {
		return nil
	}
	switch name {
	case "search":
		q.Search, err = text(name, strings.ToLower(value))
	case "zone":
		q.Zone, err = text(name, value)
	case "state":
		q.States, err = parseStates(value)
	case "sort":
		q.Sort, err = oneOf(name, value, sorts)
	case "order":
		q.Order, err = oneOf(name, value, []string{"asc", "desc"})
	case "page":
		q.Page, err = number(name, value, maxDepth)
	case "size":
		q.Size, err = number(name, value, maxSize)
	default:
		err = fmt.Errorf("%q is not a parameter", name)
	}
	return err
}

func text(name, value string) (string, error) {
	if len(value) > maxText {
		return "", fmt.Errorf("%s has %d bytes, at most %d are allowed", name, len(value), maxText)
	}
	return value, nil
}

func oneOf(name, value string, allowed []string) (string, error) {
	if !slices.Contains(allowed, value) {
		return "", fmt.Errorf("%s is not one of %s", name, strings.Join(allowed, ", "))
	}
	return value, nil
}

func number(name, value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s is not a number from 1 to %d", name, most)
	}
	return n, nil
}

// entryOf returns what orders a host in a list by a column.
func entryOf[M any](sort string, h *hostmgr.Host[M], began time.Time) entry {
	e := entry{id: h.ID}
	switch sort {
	case "zone":
		e.zone = h.Zone
	case "state":
		e.key = int64(rank(h.State))
	case "contact":
		e.key = int64(h.LastContact.Sub(began))
	case "evict":
		e.key = int64(untilEviction(h.EvictAt, began))
	case "joined":
		e.key = int64(h.Joined.Sub(began))
	}
	return e
}

// rank orders states. Late counts as alive: otherwise late hosts would appear and disappear at the
// top.
func rank(s hostmgr.State) hostmgr.State {
	if s == hostmgr.StateLate {
		return hostmgr.StateAlive
	}
	return s
}

// untilEviction returns the time until the eviction. Never is the greatest.
func untilEviction(at, began time.Time) time.Duration {
	if at.IsZero() {
		return math.MaxInt64
	}
	return at.Sub(began)
}
