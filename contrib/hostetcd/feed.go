package hostetcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/hostmgr/share"
)

var errStopped = errors.New("yield returned false")

// Feed implements [share.Store]. All pages of the snapshot are read at one revision of etcd. Then a
// watch continues after it. The client moves the watch to another server if its server ends. If that
// server has another history, the changes do not follow one another, and Feed returns share.ErrGap.
// It returns another error if no server has a leader for some seconds.
//
// If compaction has removed the change after which a feed begins, its first frame has Back: changes
// may be lost.
func (s *Store) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	f := feed{store: s, yield: yield}
	err := f.run(ctx, after)
	switch {
	case errors.Is(err, errStopped):
		return nil
	case ended(ctx) == nil && errors.Is(err, rpctypes.ErrCompacted):
		return fmt.Errorf("hostetcd: feed: %w: %w", share.ErrGap, err)
	}
	return failed(ctx, "feed", err)
}

// A feed is one call of Feed.
type feed struct {
	store *Store
	yield func(share.Frame) bool
	start
}

// A mark is the revision and the version of a change.
type mark struct{ revision, version uint64 }

func (f *feed) run(ctx context.Context, after share.Position) (err error) {
	if f.start, err = f.store.start(ctx); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	first := f.frame()
	if first.Back, err = f.store.wentBack(ctx, &f.start, after); err != nil {
		return fmt.Errorf("look for the position: %w", err)
	}
	if err := f.show(first); err != nil {
		return err
	}
	if err := f.snapshot(ctx); err != nil {
		return fmt.Errorf("read the snapshot: %w", err)
	}
	synced := f.frame()
	synced.Synced = true
	if err := f.show(synced); err != nil {
		return err
	}
	if err := f.follow(ctx); err != nil {
		return fmt.Errorf("follow the changes: %w", err)
	}
	return nil
}

// frame returns an empty frame at the latest change.
func (f *feed) frame() share.Frame {
	return share.Frame{Epoch: f.epoch, Revision: f.at.revision, Version: f.at.version}
}

func (f *feed) show(x share.Frame) error {
	if !f.yield(x) {
		return errStopped
	}
	return nil
}

// wentBack reports whether the table may have lost a change. It looks at the description of the
// latest batch, as it was at the revision of the change. It looks after the start was read. All
// servers of a cluster have one history, so it need not be the same server.
func (s *Store) wentBack(ctx context.Context, at *start, after share.Position) (bool, error) {
	was := mark{after.Revision, after.Version}
	switch {
	case after == share.Position{}:
		return false, nil
	case after.Epoch != at.epoch || was.revision > at.at.revision:
		return true, nil
	case was == mark{} || was == at.at:
		return false, nil
	case was.revision == 0 || was.revision == at.at.revision:
		return true, nil
	}
	got, err := s.client.Get(ctx, s.keys.last, clientv3.WithRev(int64(was.revision)))
	switch {
	case errors.Is(err, rpctypes.ErrCompacted):
		return true, nil // etcd loses nothing, but a backup that was restored does
	case err != nil || len(got.Kvs) == 0:
		return true, err
	}
	then, err := markOf(got.Kvs[0])
	return err != nil || then != was, nil
}
