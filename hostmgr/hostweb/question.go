package hostweb

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	defaultSize = 50
	maxSize     = 200
	maxDepth    = 100_000 // hosts of an order that can be paged to
	maxWord     = 1024    // bytes of a search or a zone: those of an id or zone
)

// A question is what a page of the table is asked for by. It is comparable, so that those who ask
// the same can share an answer.
type question struct {
	Search, State, Zone, Sort, Order string
	Page, Size                       int
}

var (
	states = []string{"alive", "late", "suspect", "offline", "held"}
	sorts  = []string{"id", "zone", "state", "seen", "evict", "joined"}
)

// ask reads a question from a query, and says what is wrong with it.
func ask(query string) (question, error) {
	q := question{Sort: "state", Page: 1, Size: defaultSize}
	values, err := url.ParseQuery(query)
	if err != nil {
		return q, fmt.Errorf("the query is malformed: %w", err)
	}
	for name, given := range values {
		if len(given) > 1 {
			return q, fmt.Errorf("%q is given more than once", name)
		}
		if err := q.set(name, given[0]); err != nil {
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
		return q, fmt.Errorf("page %d of %d hosts each is too deep: the first %d hosts can be paged to", q.Page, q.Size, maxDepth)
	}
	return q, nil
}

// set takes one parameter; an empty one is as good as none.
func (q *question) set(name, value string) (err error) {
	if value == "" && name != "" {
		return nil
	}
	switch name {
	case "search":
		q.Search, err = word(name, value)
	case "zone":
		q.Zone, err = word(name, value)
	case "state":
		q.State, err = oneOf(name, value, states)
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

func word(name, value string) (string, error) {
	if len(value) > maxWord {
		return "", fmt.Errorf("%s has %d bytes, at most %d are allowed", name, len(value), maxWord)
	}
	return value, nil
}

func oneOf(name, value string, allowed []string) (string, error) {
	if !slices.Contains(allowed, value) {
		return "", fmt.Errorf("%s is none of %s", name, strings.Join(allowed, ", "))
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

// compare orders two hosts by a column, ascending.
func compare[M any](sort string, a, b *hostmgr.Host[M]) int {
	switch sort {
	case "zone":
		return strings.Compare(a.Zone, b.Zone)
	case "state":
		return cmp.Compare(rank(a.State), rank(b.State))
	case "seen":
		return a.LastSeen.Compare(b.LastSeen)
	case "evict":
		return later(a, b)
	case "joined":
		return a.Joined.Compare(b.Joined)
	default:
		return strings.Compare(a.ID, b.ID)
	}
}

// rank has late hosts stay among those that are alive: they would come and go at the top.
func rank(s hostmgr.State) hostmgr.State {
	if s == hostmgr.Late {
		return hostmgr.Alive
	}
	return s
}

// later orders by EvictAt; never is the latest.
func later[M any](a, b *hostmgr.Host[M]) int {
	if a.EvictAt.IsZero() != b.EvictAt.IsZero() {
		if a.EvictAt.IsZero() {
			return 1
		}
		return -1
	}
	return a.EvictAt.Compare(b.EvictAt)
}
