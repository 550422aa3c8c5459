package hostmgr

import (
	"fmt"

	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
)

// While calls f if the registration is current, and keeps the cleanup of the registration from
// beginning until f has returned. So what f stores for the registration, such as a row or a map
// entry, is there when Cleanup frees it. Registration 0 means the current one; Ack.Registration and
// Host.Registration have the number.
//
// In a shared registry, While holds back the Cleanup of this registry only: see
// share.Config.Cleanup.
//
// While returns the error of f, unless it did not call f. Then it returns one of these errors:
//   - ErrUnknownHost: the host is not registered;
//   - one that wraps ErrStale: another registration is the current one;
//   - one that wraps ErrInvalid: f is nil.
//
// Data in the metadata need no While: Cleanup gets the metadata with the host.
//
// f runs on the goroutine of the caller, with no lock held. Any number of calls may run at the same
// time, even for one registration. f may call the registry. The registration may end while f runs:
// by a Leave, a sweep, or a newer incarnation, which joins at once. Only the cleanup waits. Forget
// has no cleanup, so nothing frees what f stores if Forget comes while f runs. If f panics or ends
// its goroutine, that counts as a return.
//
// A call that hangs holds up only cleanups of its own host, once the registration has ended:
//   - Stats.Cleanup.AwaitingWhile counts them.
//   - Leave and Evict of the host wait until their context ends, and so does Drain.
//   - Cleanups of other hosts, Sweep and Run do not wait.
//   - At most 16 cleanups of the id stay pending: see Config.Cleanup.
//
// Within f, Leave and Evict do not wait for a cleanup that waits for a call of While, and Drain
// does not wait at all. They return an error that wraps ErrCleanupPending, because two calls of
// While could otherwise wait for each other. This applies to the goroutine of f. A goroutine that f
// starts and waits for must give such a call a context that ends.
func (r *Registry[M]) While(id string, registration uint64, f func() error) error {
	if f == nil {
		return fmt.Errorf("%w: nil function", ErrInvalid)
	}
	use := r.cleanups.NewUse()
	if err := beginUse(r, &use, id, registration); err != nil {
		return err
	}
	defer use.End() // also if f panics or ends its goroutine
	return f()
}

// beginUse begins the use of a registration if it is current.
//
// It holds the lock for reading, and depart holds it for writing. So either beginUse finds that the
// registration has ended, or depart comes later. Then depart adds the cleanup after the use has
// begun, and the cleanup waits for the use.
func beginUse[M any](r *Registry[M], use *cleanup.Use[*Departure[M]], id string, registration uint64) error {
	h := r.index.Hash(id)
	s := r.peek()
	defer r.mu.RUnlock()
	e, ok := s.index.Lookup(h, id)
	switch {
	case !ok:
		return ErrUnknownHost
	case registration != 0 && registration != e.Registration():
		return fmt.Errorf("%w: registration %d is not the current one", ErrStale, registration)
	}
	use.Begin(id, e.Registration())
	return nil
}
