package hostetcd

import (
	"fmt"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// An inflow takes the responses of a watch off the client, which keeps any number of them. receive
// and take run on two goroutines.
type inflow struct {
	assembler assembler // of receive
	cancel    func()    // ends the watch
	wake      chan struct{}

	mu      sync.Mutex // guards what follows
	changes []share.Change
	size    int   // of the changes, in bytes
	err     error // why no more changes come
}

// receive takes responses until the watch ends.
func (in *inflow) receive(responses <-chan clientv3.WatchResponse) {
	for r := range responses {
		if in.hasEnded() {
			continue // until the client closes the channel
		}
		changes, err := in.changesOf(&r)
		if err = in.add(changes, err); err != nil {
			in.cancel()
		}
	}
	_ = in.add(nil, errWatchEnded)
}

func (in *inflow) hasEnded() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err != nil
}

func (in *inflow) changesOf(r *clientv3.WatchResponse) ([]share.Change, error) {
	if err := r.Err(); err != nil {
		return nil, err
	}
	changes, err := in.assembler.add(r.Events)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", share.ErrGap, err)
	}
	return changes, nil
}

// add appends changes, or the reason why no more come. It returns that reason: the first one counts.
func (in *inflow) add(changes []share.Change, err error) error {
	size := sizeOf(changes)
	in.mu.Lock()
	switch {
	case in.err != nil:
	case err != nil:
		in.err = err
	case in.size+size > maxBehind && in.size > 0:
		in.changes, in.err = nil, fmt.Errorf("%w: %w", share.ErrGap, errSlow)
	default:
		in.changes, in.size = append(in.changes, changes...), in.size+size
	}
	err = in.err
	in.mu.Unlock()
	select {
	case in.wake <- struct{}{}:
	default: // take has not looked since
	}
	return err
}

// sizeOf returns about how many bytes changes occupy.
func sizeOf(changes []share.Change) (size int) {
	const fields = 80
	for i := range changes {
		size += fields + len(changes[i].Key) + len(changes[i].Value)
	}
	return size
}

// take returns the changes since the last call, or, if there are none, the reason why no more come.
func (in *inflow) take() ([]share.Change, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	changes := in.changes
	in.changes, in.size = nil, 0
	return changes, in.err
}
