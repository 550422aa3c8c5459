package hostetcd

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A start is where a feed begins.
type start struct {
	epoch    string
	at       mark  // the latest change
	revision int64 // of etcd when at was read: nothing came between
}

// start reads where the table is, and makes its epoch if there is none. The reads ask the cluster:
// so they show each batch that was acknowledged before.
func (s *Store) start(ctx context.Context) (start, error) {
	for {
		got, err := s.client.Txn(ctx).Then(
			clientv3.OpGet(s.keys.epoch), clientv3.OpGet(s.keys.last),
			clientv3.OpGet(s.keys.records, clientv3.WithPrefix(), clientv3.WithLimit(1), clientv3.WithKeysOnly()),
		).Commit()
		if err != nil {
			return start{}, err
		}
		found := func(i int) []*mvccpb.KeyValue { return got.Responses[i].GetResponseRange().GetKvs() }
		epoch, latest := found(0), found(1)
		at, err := startOf(got.Header.Revision, epoch, latest, len(found(2)) > 0)
		if err == nil && len(epoch) > 0 {
			return at, nil
		}
		if err := s.begin(ctx, epoch, latest, err != nil); err != nil {
			return at, err
		}
	}
}

// startOf returns an error if a key that describes the table was removed or overwritten.
func startOf(revision int64, epoch, latest []*mvccpb.KeyValue, records bool) (at start, err error) {
	at.revision = revision
	switch {
	case len(epoch) > 0 && len(epoch[0].Value) == 0:
		return at, fmt.Errorf("the epoch of the table: %w", errMalformed)
	case len(latest) == 0 && records:
		return at, fmt.Errorf("the latest change of the table: %w", errRemoved)
	case len(epoch) > 0:
		at.epoch = string(epoch[0].Value)
	}
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

// begin writes an epoch, unless the keys that describe the table have changed since they were read.
// If one of them was damaged, the history ends, and another one begins with the records that there
// are: then the latest batch is an empty one.
func (s *Store) begin(ctx context.Context, epoch, latest []*mvccpb.KeyValue, damaged bool) error {
	writes := []clientv3.Op{clientv3.OpPut(s.keys.epoch, rand.Text())}
	if damaged {
		empty := last{version: randomVersion()}
		writes = append(writes, clientv3.OpPut(s.keys.last, empty.encode()))
	}
	_, err := s.client.Txn(ctx).If(unchanged(s.keys.epoch, epoch), unchanged(s.keys.last, latest)).Then(writes...).Commit()
	return err
}

// unchanged compares a key with what was read.
func unchanged(key string, read []*mvccpb.KeyValue) clientv3.Cmp {
	revision := int64(0)
	if len(read) > 0 {
		revision = read[0].ModRevision
	}
	return clientv3.Compare(clientv3.ModRevision(key), "=", revision)
}

func randomVersion() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:]) | 1
}
