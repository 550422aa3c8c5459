package hostmgr

import (
	"context"
	"fmt"
)

// Leave ends the registration of a host that exits normally. It returns nil when the host is
// removed and cleaned up.
//
// An error that wraps ErrCleanupPending means that the host is removed but its cleanup is not done:
// it failed, ctx ended first, or the cleanup of an earlier registration of the id comes first.
// ErrUnknownHost and ErrStale mean that nothing was changed. Incarnation 0 means the current
// registration.
func (r *Registry[M]) Leave(ctx context.Context, id string, incarnation uint64) error {
	j, err := r.end(id, incarnation, DepartureLeft)
	if j == nil || err != nil {
		return err
	}
	if !r.running.Load() {
		defer r.log.Flush() // what the cleanup here may have logged
	}
	if err = r.cleanups.Await(orBackground(ctx), j); err != nil {
		return fmt.Errorf("%w: %w", ErrCleanupPending, err)
	}
	return nil
}

// Forget removes a host without cleanup, for embedders that clean up elsewhere. It returns the same
// errors as Heartbeat.
func (r *Registry[M]) Forget(id string, incarnation uint64) error {
	_, err := r.end(id, incarnation, DepartureForgotten)
	return err
}

func (r *Registry[M]) end(id string, incarnation uint64, k DepartureKind) (*job[M], error) {
	h := r.index.Hash(id)
	s, now := r.lock()
	defer r.unlock()
	e, err := s.findFor(h, id, incarnation)
	if err != nil {
		return nil, err
	}
	j := s.depart(e, k, nil, now)
	s.index.Shrink(e)
	return j, nil
}
