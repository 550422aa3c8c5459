package hostetcd

import (
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// maxBehind bounds the changes that wait for a slow reader, in bytes.
const maxBehind = 64 << 20

var (
	errBack    = errors.New("the latest change before is another one: the cluster has gone back")
	errRemoved = errors.New("a key that describes the table was removed or replaced")
	errForeign = errors.New("a record was changed by something that is not a Store")
	errSlow    = fmt.Errorf("the reader is more than %d MiB behind", maxBehind>>20)

	errWatchEnded = errors.New("the watch has ended: was the client closed?")
)

// An assembler makes changes of the events of a watch. All events of a batch have one revision, and
// the last of them describes the batch.
type assembler struct {
	keys  *layout
	at    mark           // the latest change of the latest complete batch
	batch []share.Change // of the batch that is not complete
}

// add returns the changes of the batches that are complete. After an error, the watch is of no use.
func (a *assembler) add(events []*clientv3.Event) (changes []share.Change, err error) {
	for _, e := range events {
		key, isRecord := a.keys.keyOf(e.Kv.Key)
		switch isLast := string(e.Kv.Key) == a.keys.last; {
		case isRecord:
			err = a.record(key, e)
		case isLast && e.Type == clientv3.EventTypePut:
			changes, err = a.complete(changes, e)
		case isLast || string(e.Kv.Key) == a.keys.epoch:
			err = errRemoved
		}
		if err != nil {
			return nil, err
		}
	}
	if len(a.batch) > 0 {
		return nil, errForeign
	}
	return changes, nil
}

// record adds a change to the batch. The version of a deletion comes later.
func (a *assembler) record(key string, e *clientv3.Event) (err error) {
	c := share.Change{Key: key, Revision: uint64(e.Kv.ModRevision), Deleted: e.Type == clientv3.EventTypeDelete}
	if len(a.batch) > 0 && a.batch[0].Revision != c.Revision {
		return errForeign
	}
	if !c.Deleted {
		if c.Version, c.Value, err = decodeRecord(e.Kv.Value); err != nil {
			return fmt.Errorf("record %q: %w", key, err)
		}
	}
	a.batch = append(a.batch, c)
	return nil
}

// complete appends the changes of a batch, which an event describes.
func (a *assembler) complete(changes []share.Change, e *clientv3.Event) ([]share.Change, error) {
	l, err := decodeLast(e.Kv.Value)
	if err != nil {
		return nil, err
	}
	if before, err := previous(e); err != nil || before != a.at {
		return nil, errors.Join(errBack, err)
	}
	if !a.number(&l, uint64(e.Kv.ModRevision)) {
		return nil, errForeign
	}
	a.at = mark{uint64(e.Kv.ModRevision), l.version}
	changes = append(changes, a.batch...)
	a.batch = nil
	return changes, nil
}

// previous returns the mark before a batch: the zero mark if it is the first one of the table.
func previous(e *clientv3.Event) (mark, error) {
	switch {
	case e.IsCreate():
		return mark{}, nil
	case e.PrevKv == nil:
		return mark{}, errors.New("compacted meanwhile")
	}
	return markOf(e.PrevKv)
}

// number sets the versions of deletions, and the previous versions. It returns false if the batch is
// not the one that is described.
func (a *assembler) number(l *last, revision uint64) bool {
	if len(a.batch) == 0 || a.batch[0].Revision != revision {
		return false
	}
	deletions, before := l.deletions, a.at.version
	for i := range a.batch {
		c := &a.batch[i]
		if c.Deleted {
			if len(deletions) == 0 {
				return false
			}
			c.Version, deletions = deletions[0], deletions[1:]
		}
		c.Previous, before = before, c.Version
	}
	return len(deletions) == 0 && before == l.version
}
