package hostredis

import (
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	markEvery    = time.Second // unless changes come, a little more: see block
	firstPause   = 20 * time.Millisecond
	longestPause = time.Second
)

// follow yields changes until the feed ends. It reconnects if the line breaks, and continues after
// the latest change that was yielded. So the change that comes then shows whether Redis has lost
// some: another feed would begin with a snapshot, and could not tell.
func (f *feed) follow() error {
	for {
		err := f.changes()
		if ended(f.ctx) != nil || !transient(err) {
			return err
		}
		f.store.outdated(f.ctx)
		f.store.warn(f.ctx, "feed", "the feed reconnects to Redis", "err", err)
		f.reconnect()
	}
}

// reconnect returns when there is a line, or the context has ended.
func (f *feed) reconnect() {
	for ended(f.ctx) == nil {
		select {
		case <-clock.System().After(f.pause):
		case <-f.ctx.Done():
			return
		}
		f.pause = min(2*f.pause, longestPause)
		err := f.connect()
		if err == nil {
			return
		}
		f.store.warn(f.ctx, "feed", "the feed cannot connect to Redis", "err", err)
	}
}

// changes yields changes from one line, until it breaks.
func (f *feed) changes() error {
	var marked time.Time // zero: at once, because the line is new
	for {
		var entries []entry
		var err error
		if now := clock.System().Now(); now.Sub(marked) >= markEvery {
			marked = now
			entries, err = f.mark(true)
		} else {
			entries, err = f.wait()
		}
		if err != nil {
			return err
		}
		f.pause = firstPause
		if len(entries) == 0 {
			continue
		}
		if err := f.send(share.Frame{}, entries); err != nil {
			return err
		}
	}
}

// wait returns the entries after the latest change, or none if none comes for a while.
func (f *feed) wait() ([]entry, error) {
	streams, err := f.line.xread(f.ctx, f.store.keys.log, strconv.FormatUint(f.at.revision, 10))
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(streams) != 1 {
		return nil, errReply
	}
	entries := make([]entry, len(streams[0].Messages))
	for i, m := range streams[0].Messages {
		epoch, _ := m.Values["e"].(string)
		previous, _ := m.Values["p"].(string)
		body, _ := m.Values["b"].(string)
		if entries[i], err = entryOf(m.ID, epoch, previous, body); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// passing are the errors of a Redis that is starting, failing over, or moving slots.
var passing = []string{
	"ASK", "BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "MOVED", "NOREPLICAS", "READONLY", "TRYAGAIN", "UNBLOCKED",
}

// transient returns whether another line may help.
func transient(err error) bool {
	if errors.Is(err, share.ErrGap) || errors.Is(err, errReply) || errors.Is(err, errDone) {
		return false
	}
	var answer redis.Error
	if !errors.As(err, &answer) {
		return true
	}
	for _, prefix := range passing {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}
