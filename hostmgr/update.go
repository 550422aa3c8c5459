package hostmgr

import (
	"fmt"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

const maxChanges = 100 // calls of change that other changes of the host may overtake

// Update changes the metadata of a host. It is not a contact: the silence of the host, its
// suspicion and its hold go on. Watchers get EventUpdated.
//
// change gets the current metadata and returns the new metadata. It is called with no lock held,
// and may call the registry. If the metadata changed meanwhile, by an Announce or another Update,
// change is called again with the newer metadata. So no change is lost, and of several calls of
// Update for one host one always succeeds. change must not modify what the metadata refers to, such
// as a map or a slice: see Announcement.Metadata.
//
// Update returns the same errors as Heartbeat, also if the host leaves or is replaced meanwhile. A
// nil change is an error that wraps ErrInvalid. Update gives up with an error if an Announce, or an
// Update that began later, has overtaken 100 calls of change: most often change itself announces or
// updates the host. After any error the metadata is as it was. If change panics, so does Update,
// and nothing was changed.
func (r *Registry[M]) Update(id string, incarnation uint64, change func(M) M) error {
	if change == nil {
		return fmt.Errorf("%w: nil change", ErrInvalid)
	}
	u := updating[M]{r: r, hash: r.index.Hash(id), id: id, incarnation: incarnation}
	return u.run(change)
}

// An updating is one call of Update. Its methods are called with no lock held.
type updating[M any] struct {
	r           *Registry[M]
	hash        index.Hash
	id          string
	incarnation uint64
	call        updateCall
	overtaken   int // calls of change
}

// run calls change until its result can be stored. Each further call of change follows a change of
// the metadata by another call, which has succeeded. So of several calls one always succeeds.
//
// A call that began before change was called may succeed first: it waits for its turn as this one
// does, and it is gone then. Calls that began later are counted, because change may have made them.
func (u *updating[M]) run(change func(M) M) error {
	m, err := u.begin()
	if err != nil {
		return err
	}
	defer u.end() // also if change panics or ends its goroutine
	for u.overtaken < maxChanges {
		var done bool
		if m, done, err = u.store(change(m)); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("hostmgr: other changes of host %.64q overtook Update %d times", u.id, maxChanges)
}

// begin returns the metadata of the host. From then on until end, changes of it are noted in call.
func (u *updating[M]) begin() (m M, err error) {
	s, _ := u.r.lock()
	defer u.r.unlock()
	e, err := s.findFor(u.hash, u.id, u.incarnation)
	if err != nil {
		return m, err
	}
	u.incarnation = e.Incarnation() // a newer one is another process
	s.metadata.load(e, &m)
	s.updates.begin(u.hash, &u.call)
	return m, nil
}

func (u *updating[M]) end() {
	s, _ := u.r.lock()
	defer u.r.unlock()
	s.updates.end(u.hash, &u.call)
}

// store replaces the metadata of the host, unless it has changed since it was read. Then done is
// false, and store returns the newer metadata.
func (u *updating[M]) store(m M) (newer M, done bool, err error) {
	s, now := u.r.lock()
	defer u.r.unlock()
	e, err := s.findFor(u.hash, u.id, u.incarnation)
	if err != nil {
		return newer, false, err
	}
	if u.call.changed {
		if !u.call.earlier {
			u.overtaken++
		}
		s.updates.again(&u.call)
		s.metadata.load(e, &newer)
		return newer, false, nil
	}
	s.setMetadata(e, &m, &u.call)
	s.emit(EventUpdated, e, nil, now)
	return newer, true, nil
}
