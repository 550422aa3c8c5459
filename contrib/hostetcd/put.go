package hostetcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// maxRounds bounds the transactions of one Put. Each round but the last one means that the records
// had the expected versions, at other revisions than were read just before.
const maxRounds = 4

var errBusy = errors.New("the records were replaced again and again")

// Put implements [share.Store]. A batch is one transaction. It compares the records by their
// revisions in etcd, because etcd cannot compare a part of a value. So if records are expected, Put
// reads them first. The first read may be answered by any server alone, and may be old. If it does
// not find the expected versions, a second read asks the cluster. If the transaction finds other
// revisions then, it returns the current records.
//
// The client does not send a transaction twice, unless no server can have received it.
func (s *Store) Put(ctx context.Context, batch []share.Write) error {
	if err := share.CheckBatch(batch); err != nil {
		return err
	}
	if len(batch) == 0 {
		return nil
	}
	p := newPut(s, batch)
	done, err := p.read(ctx)
	for range maxRounds {
		if done || err != nil {
			break
		}
		done, err = p.write(ctx)
	}
	switch {
	case errors.Is(err, share.ErrVersion):
		return err
	case err != nil:
		return failed(ctx, "write a batch", err)
	case !done:
		return fmt.Errorf("hostetcd: write a batch: %w", errBusy)
	}
	return nil
}

// A put is one call of Put.
type put struct {
	kv        clientv3.KV
	batch     []share.Write
	last      last
	revisions []int64       // of the records that are expected; 0 if there must be none
	writes    []clientv3.Op // the batch, and what describes it
	reads     []clientv3.Op // of the same keys
}

func newPut(s *Store, batch []share.Write) *put {
	p := &put{kv: s.client, batch: batch, revisions: make([]int64, len(batch))}
	p.writes = make([]clientv3.Op, 0, len(batch)+1)
	p.reads = make([]clientv3.Op, 0, len(batch)+1)
	for i := range batch {
		w := &batch[i]
		key := s.keys.record(w.Key)
		p.reads = append(p.reads, clientv3.OpGet(key))
		if p.last.version = w.Version; w.Delete {
			p.last.deletions = append(p.last.deletions, w.Version)
			p.writes = append(p.writes, clientv3.OpDelete(key))
			continue
		}
		p.writes = append(p.writes, clientv3.OpPut(key, encodeRecord(w.Version, w.Value)))
	}
	p.writes = append(p.writes, clientv3.OpPut(s.keys.last, p.last.encode()))
	p.reads = append(p.reads, clientv3.OpGet(s.keys.last))
	return p
}

// read finds the revisions of the records that are expected, if there are any. done means that the
// batch is in the table already.
func (p *put) read(ctx context.Context) (done bool, err error) {
	var reads []clientv3.Op
	var of []int // the writes
	for i := range p.batch {
		if p.batch[i].Expect != 0 {
			reads = append(reads, clientv3.OpGet(p.key(i), clientv3.WithSerializable()))
			of = append(of, i)
		}
	}
	if len(reads) == 0 {
		return false, nil
	}
	got, err := p.kv.Txn(ctx).Then(reads...).Commit()
	if err != nil {
		return false, err
	}
	for n, i := range of {
		var version uint64
		if version, p.revisions[i] = record(got.Responses, n); version != p.batch[i].Expect {
			return p.readAgain(ctx)
		}
	}
	return false, nil
}

// readAgain reads the records as they are in the cluster.
func (p *put) readAgain(ctx context.Context) (done bool, err error) {
	got, err := p.kv.Txn(ctx).Then(p.reads...).Commit()
	if err != nil {
		return false, err
	}
	return p.compare(got.Responses)
}

// write does the transaction. If the batch is not done, the revisions are those of the records as
// they are.
func (p *put) write(ctx context.Context) (done bool, err error) {
	compares := make([]clientv3.Cmp, len(p.batch))
	for i, revision := range p.revisions {
		compares[i] = clientv3.Compare(clientv3.ModRevision(p.key(i)), "=", revision)
	}
	got, err := p.kv.Txn(ctx).If(compares...).Then(p.writes...).Else(p.reads...).Commit()
	if err != nil || got.Succeeded {
		return err == nil, err
	}
	return p.compare(got.Responses)
}

func (p *put) key(i int) string { return string(p.reads[i].KeyBytes()) }

// compare compares the records as they are with those that are expected.
func (p *put) compare(found []*etcdserverpb.ResponseOp) (done bool, err error) {
	if version, _ := record(found, len(p.batch)); version == p.last.version {
		return true, nil // something between client and server has sent the transaction twice
	}
	for i := range p.batch {
		w := &p.batch[i]
		version, revision := record(found, i)
		switch {
		case version == w.Version && revision != 0:
			return true, nil // as above
		case version != w.Expect:
			err = fmt.Errorf("hostetcd: %w: %q has version %x, not %x", share.ErrVersion, w.Key, version, w.Expect)
		}
		p.revisions[i] = revision
	}
	return false, err
}

// record returns the version and the revision of a record that a transaction has read: 0 and 0 if
// there is none. A malformed record has version 0, too. So a Write that expects none replaces it.
func record(responses []*etcdserverpb.ResponseOp, i int) (version uint64, revision int64) {
	if i >= len(responses) {
		return 0, 0
	}
	kvs := responses[i].GetResponseRange().GetKvs()
	if len(kvs) == 0 {
		return 0, 0
	}
	version, _, _ = decodeRecord(kvs[0].Value)
	return version, kvs[0].ModRevision
}
