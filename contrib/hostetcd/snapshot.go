package hostetcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	pageBytes   = 1 << 20 // of a page, if its records are as large as those of the page before
	firstPage   = 100     // records
	largestPage = 2000
)

// snapshot shows the records as they were at the start.
func (f *feed) snapshot(ctx context.Context) error {
	for from, limit, more := f.store.keys.records, firstPage, true; more; {
		got, err := f.read(ctx, from, limit)
		if err != nil {
			return err
		}
		if err := f.show(f.page(got.Kvs)); err != nil {
			return err
		}
		if more = got.More && len(got.Kvs) > 0; more {
			from = string(got.Kvs[len(got.Kvs)-1].Key) + "\x00"
			limit = nextLimit(got.Kvs)
		}
	}
	return nil
}

// read reads the records of a page. It also reads the latest change as it was at the start: it is
// another one if the cluster has lost its history since, even if it has the revision again.
func (f *feed) read(ctx context.Context, from string, limit int) (*etcdserverpb.RangeResponse, error) {
	keys, at := &f.store.keys, clientv3.WithRev(f.revision)
	got, err := f.store.client.Txn(ctx).Then(
		clientv3.OpGet(from, clientv3.WithRange(clientv3.GetPrefixRangeEnd(keys.records)), at, clientv3.WithLimit(int64(limit))),
		clientv3.OpGet(keys.last, at),
	).Commit()
	if err != nil {
		return nil, err
	}
	var then mark
	if latest := got.Responses[1].GetResponseRange().GetKvs(); len(latest) > 0 {
		then, err = markOf(latest[0])
	}
	if err != nil || then != f.at {
		return nil, fmt.Errorf("%w: %w", share.ErrGap, errors.Join(errBack, err))
	}
	return got.Responses[0].GetResponseRange(), nil
}

// nextLimit returns how many records the next page may have.
func nextLimit(page []*mvccpb.KeyValue) int {
	size := 1
	for _, kv := range page {
		size += len(kv.Key) + len(kv.Value)
	}
	return max(1, min(largestPage, pageBytes*len(page)/size))
}

// page returns a frame with records. It skips those that are malformed, or that were not written by
// a Store: these are later than the latest batch.
func (f *feed) page(kvs []*mvccpb.KeyValue) share.Frame {
	x := f.frame()
	x.PageRevision, x.PageVersion = f.at.revision, f.at.version
	x.Snapshot = make([]share.Record, 0, len(kvs))
	for _, kv := range kvs {
		version, value, err := decodeRecord(kv.Value)
		key, ok := f.store.keys.keyOf(kv.Key)
		if err != nil || !ok || uint64(kv.ModRevision) > f.at.revision {
			continue
		}
		r := share.Record{Key: key, Revision: uint64(kv.ModRevision), Version: version, Value: value}
		x.Snapshot = append(x.Snapshot, r)
	}
	return x
}
