package hostetcd

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	leaderPause = 200 * time.Millisecond
	leaderTries = 25
)

// follow shows the changes after the start. If the server of the watch has no leader, another watch
// may find a server that has one. That is common for a second after a leader has ended. The changes
// show by themselves whether they follow those of the watch before.
func (f *feed) follow(ctx context.Context) (err error) {
	for tries := 0; tries < leaderTries; tries++ {
		before := f.at
		if err = f.watch(ctx); !errors.Is(err, rpctypes.ErrNoLeader) {
			return err
		}
		if f.at != before {
			tries = 0
		}
		select {
		case <-time.After(leaderPause): //nolint:forbidigo // etcd goes by real time
		case <-ctx.Done():
			return err
		}
	}
	return err
}

// watch shows the changes until the watch ends. If many have come while yield ran, one frame has
// them all.
func (f *feed) watch(ctx context.Context) error {
	// With this, a server that has no leader ends the watch, instead of waiting for changes.
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	watcher := clientv3.NewWatcher(f.store.client)
	from := max(f.revision, int64(f.at.revision)) + 1
	responses := watcher.Watch(ctx, f.store.keys.all, clientv3.WithPrefix(), clientv3.WithRev(from),
		clientv3.WithPrevKV(), clientv3.WithFragment(), clientv3.WithProgressNotify())
	in := inflow{assembler: assembler{keys: &f.store.keys, at: f.at}, cancel: cancel, wake: make(chan struct{}, 1)}
	var receiver sync.WaitGroup
	receiver.Go(func() { in.receive(responses) })
	// All goroutines end before watch returns: responses is closed when ctx has ended, and Close
	// waits for those of the watcher.
	defer func() {
		cancel()
		_ = watcher.Close()
		receiver.Wait()
	}()
	for {
		changes, err := in.take()
		switch {
		case len(changes) > 0:
			if err := f.advance(changes); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			<-in.wake // receive wakes at its end, too
		}
	}
}

// advance shows changes.
func (f *feed) advance(changes []share.Change) error {
	x, end := f.frame(), &changes[len(changes)-1]
	x.Changes, f.at = changes, mark{end.Revision, end.Version}
	return f.show(x)
}
