package peerd

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// A route leads the calls of one host to one of several schedulers that share their hosts. The host
// stays with one scheduler until that one is away, and goes to the next one then. With roam each
// call goes to a scheduler chosen at random.
type route struct {
	contacts []*contact
	roam     bool

	mu           sync.Mutex // guards all below, and the fields has and owes of the contacts
	at           int        // the contact in use
	registration uint64     // in the latest answer
}

// A stay is a registration of the host that a process of a scheduler knows. The peers of the host
// are registered once for each: they are in the memory of that process.
type stay struct {
	process      string // as wire.SchedulerKey names it
	registration uint64
}

// newRoute returns a route that begins with a scheduler that depends on the id of the host. So the
// hosts are spread over the schedulers.
func newRoute(contacts []*contact, id string, roam bool) *route {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return &route{contacts: contacts, roam: roam, at: int(h.Sum32() % uint32(len(contacts)))}
}

func (r *route) target() announcer.Target[*commonv2.Host] {
	var names []string
	for _, c := range r.contacts {
		names = append(names, c.line.addr)
	}
	return announcer.Target[*commonv2.Host]{
		Name: strings.Join(names, ","), Announce: r.announce, Joined: r.register, Leave: r.leave,
	}
}

func (r *route) announce(_ context.Context, a hostmgr.Announcement[*commonv2.Host]) (hostmgr.Ack, error) {
	c := r.choose()
	ack, err := c.announce(a)
	number, _ := strconv.ParseUint(ack.Registration, 10, 64)
	if err != nil {
		r.failed(c, err)
	} else {
		number = r.accepted(c, stay{ack.Scheduler, number})
	}
	return hostmgr.Ack{Incarnation: ack.Incarnation, Registration: number, Interval: ack.Interval}, err
}

func (r *route) choose() *contact {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.roam {
		return r.contacts[rand.IntN(len(r.contacts))]
	}
	return r.contacts[r.at]
}

// failed goes on to the next scheduler, if an error means that this one is away.
func (r *route) failed(c *contact, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	away := status.Code(err) == codes.Unavailable || status.Code(err) == codes.DeadlineExceeded
	if away && r.contacts[r.at] == c {
		r.at = (r.at + 1) % len(r.contacts)
	}
}

// accepted notes whether peers are owed to the scheduler that has answered. It returns the
// registration to tell the announcer, which calls register when that is new. A registration that
// another scheduler has answered with before is not new, but its peers may be owed here. Then the
// answer is 0: it does not say whether the registration is new, so the announcer calls register.
func (r *route) accepted(c *contact, s stay) (registration uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.contacts {
		if r.contacts[i] == c {
			r.at = i
		}
	}
	c.owes = stay{}
	if c.has != s || s.registration == 0 {
		c.owes = s
	}
	before := r.registration
	r.registration = s.registration
	if s.process != "" && c.owes == s && s.registration == before {
		return 0
	}
	return s.registration
}

// register registers the peers with each scheduler that they are owed to.
func (r *route) register(_ context.Context, ack hostmgr.Ack) error {
	for _, c := range r.contacts {
		s, ok := r.owed(c)
		if !ok {
			continue
		}
		ack.Registration = s.registration
		if err := r.registered(c, s, c.register(ack)); err != nil {
			return err
		}
	}
	return nil
}

func (r *route) owed(c *contact) (s stay, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return c.owes, c.owes != stay{} || r.registration == 0 && r.contacts[r.at] == c
}

// registered returns the error of a registration of peers, if that is to be repeated. A scheduler
// that the host does not use any more is owed nothing until it answers again.
func (r *route) registered(c *contact, s stay, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		c.has = s
		if c.owes == s {
			c.owes = stay{}
		}
	case r.contacts[r.at] != c:
		c.owes, err = stay{}, nil
	}
	return err
}

// leave leaves at one scheduler. A try has a part of the time, so that there is some for the others.
func (r *route) leave(_ context.Context, id string, incarnation uint64) error {
	c, n := r.choose(), len(r.contacts)
	err := c.leave(id, incarnation, leaveLimit/time.Duration(n), n == 1)
	r.failed(c, err)
	return err
}
