package hostetcd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/mvccpb"
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

// A start is where a feed begins.
type start struct {
	epoch    string
	at       mark  // the latest change
	revision int64 // of etcd when at was read: nothing came between
}

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

// start reads where the table is, and makes its epoch if there is none. The reads ask the cluster:
// so they show each batch that was acknowledged before.
func (s *Store) start(ctx context.Context) (at start, err error) {
	for {
		got, err := s.client.Txn(ctx).Then(clientv3.OpGet(s.keys.epoch), clientv3.OpGet(s.keys.last)).Commit()
		if err != nil {
			return at, err
		}
		epoch, latest := got.Responses[0].GetResponseRange().GetKvs(), got.Responses[1].GetResponseRange().GetKvs()
		if len(epoch) > 0 {
			return startOf(got.Header.Revision, epoch[0], latest)
		}
		if err := s.makeEpoch(ctx); err != nil {
			return at, err
		}
	}
}

func startOf(revision int64, epoch *mvccpb.KeyValue, latest []*mvccpb.KeyValue) (at start, err error) {
	if len(epoch.Value) == 0 {
		return at, fmt.Errorf("the epoch of the table: %w", errMalformed)
	}
	at.epoch, at.revision = string(epoch.Value), revision
	if len(latest) > 0 {
		at.at, err = markOf(latest[0])
	}
	return at, err
}

// markOf returns the mark that the description of a batch stands for.
func markOf(kv *mvccpb.KeyValue) (mark, error) {
	l, err := decodeLast(kv.Value)
	if err != nil {
		return mark{}, fmt.Errorf("the latest change of the table: %w", err)
	}
	return mark{uint64(kv.ModRevision), l.version}, nil
}

// makeEpoch writes an epoch if there is none.
func (s *Store) makeEpoch(ctx context.Context) error {
	none := clientv3.Compare(clientv3.CreateRevision(s.keys.epoch), "=", 0)
	_, err := s.client.Txn(ctx).If(none).Then(clientv3.OpPut(s.keys.epoch, rand.Text())).Commit()
	return err
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
