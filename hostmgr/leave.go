package hostmgr

import (
	"context"
	"fmt"
	"time"
)

// Leave ends the registration of a host that exits normally. It returns nil when the host is
// removed and cleaned up. The incarnation is over then: an announce that was on its way is refused
// with ErrStale. See Announcement.Incarnation.
//
// An error that wraps ErrCleanupPending means that the host is removed but its cleanup is not done:
//   - it failed;
//   - ctx ended first;
//   - the cleanup of an earlier registration of the id comes first;
//   - a cleanup of the id was left behind: see Config;
//   - it was given up, because 16 others of the id were pending: see Config.Cleanup;
//   - Leave is called within a Cleanup, or within a function of While: see there.
//
// ErrUnknownHost and ErrStale mean that nothing was changed. Incarnation 0 means the current
// registration. Without Run, Leave runs the cleanup. If that ignores its context, Leave waits for
// 10 s after ctx ended or Config.CleanupTimeout was reached. While a call of While runs for the
// registration, Leave waits until it has returned or ctx ends. It does not wait for the Cleanup of
// package share.
func (r *Registry[M]) Leave(ctx context.Context, id string, incarnation uint64) error {
	return (&ending[M]{r: r, id: id, incarnation: incarnation, kind: DepartureLeft}).endAndAwait(ctx)
}

// Forget removes a host without cleanup, for embedders that clean up elsewhere. It returns the same
// errors as Heartbeat.
//
// A host that is still alive comes back. Its next heartbeat is answered with ErrUnknownHost, so it
// announces itself and joins again. Its next announce joins at once. To keep it out, use ForgetFor.
func (r *Registry[M]) Forget(id string, incarnation uint64) error {
	_, err := (&ending[M]{r: r, id: id, incarnation: incarnation, kind: DepartureForgotten}).end()
	return err
}

// ForgetFor is Forget for a host that may still be alive, and keeps it out. Until keepOut has
// passed, announces of the forgotten incarnation, of older ones and of incarnation 0 are refused
// with ErrStale. A newer incarnation is another process, and joins.
//
// The time applies to the id, whatever joins and departs meanwhile. A later ForgetFor of the same
// id can make it longer, but not shorter. Restore is not refused. In a shared registry, only this
// registry keeps the host out: another member accepts it, and then it is back in all of them.
//
// The errors are those of Heartbeat, and these:
//   - One that wraps ErrInvalid: keepOut is not positive.
//   - ErrFull: 32,768 hosts are kept out already. Nothing was changed.
func (r *Registry[M]) ForgetFor(id string, incarnation uint64, keepOut time.Duration) error {
	if keepOut <= 0 {
		return fmt.Errorf("%w: keepOut %v is not positive", ErrInvalid, keepOut)
	}
	_, err := (&ending[M]{r: r, id: id, incarnation: incarnation, kind: DepartureForgotten, keepOut: keepOut}).end()
	return err
}
