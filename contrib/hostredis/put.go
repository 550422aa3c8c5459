package hostredis

import (
	"context"
	"fmt"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// Put implements share.Store. It is one call of a script, which the client does not repeat,
// whatever its MaxRetries. When ctx ends, Put returns at once. The call may continue until
// ReadTimeout of the client, and its outcome is unknown.
func (s *Store) Put(ctx context.Context, batch []share.Write) error {
	if err := share.CheckBatch(batch); err != nil {
		return err
	}
	if err := ended(ctx); err != nil || len(batch) == 0 {
		return err
	}
	keys, args := s.request(batch)
	if ctx.Done() == nil {
		return s.put(ctx, keys, args)
	}
	// A client notices the end of a context late: an answer that does not come ends by ReadTimeout.
	// The goroutine ends then, too. It has copies of the batch.
	result := make(chan error, 1)
	go func() { result <- s.put(ctx, keys, args) }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) put(ctx context.Context, keys []string, args []any) error {
	reply, err := s.run(ctx, s.client, keys, "put", args...)
	switch {
	case err != nil && ended(ctx) != nil:
		return ended(ctx)
	case err != nil:
		s.outdated(ctx)
		return fmt.Errorf("hostredis: %w", err)
	case reply[0] == "ok":
		return nil
	case reply[0] == "conflict":
		return share.ErrVersion
	}
	return errReply
}

// request returns the keys and arguments of the script for a batch.
func (s *Store) request(batch []share.Write) (keys []string, args []any) {
	keys = s.keys.some(0, 0)
	index := map[int]int{} // of a bucket in keys, from 1
	args = append(make([]any, 0, 2+3*len(batch)), s.log, s.logBytes)
	for i := range batch {
		w := &batch[i]
		b := bucketOf(w.Key)
		if index[b] == 0 {
			keys = append(keys, s.keys.buckets[b])
			index[b] = len(keys)
		}
		op := 's'
		if w.Delete {
			op = 'd'
		}
		args = append(args, fmt.Sprintf("%c%016x%016x%d", op, w.Expect, w.Version, index[b]), w.Key, string(w.Value))
	}
	return keys, args
}
