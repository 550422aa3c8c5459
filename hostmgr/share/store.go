package share

import (
	"context"
	"errors"
	"fmt"

	"github.com/hostlife/hostlife/hostmgr"
)

// Limits of a [Store]. Engines with their defaults allow more: etcd 128 writes and 1.5 MiB.
const (
	MaxWrites = 100      // in a batch
	MaxKey    = 1100     // bytes of a key
	MaxValue  = 65 << 10 // bytes of a value
	MaxBatch  = 1 << 20  // bytes of the keys and values of a batch
)

// ErrVersion means that a record did not have the version that a [Write] expected. Nothing was
// written.
var ErrVersion = errors.New("share: another version of the record is in the table")

// ErrGap means that a feed cannot go on: changes are missing, or the table has gone back.
var ErrGap = errors.New("share: gap in the feed")

// A Store is a table of versioned records with one ordered feed of changes. It orders changes, and
// never tells the time. Its records do not expire. Package storetest checks a Store.
//
// Changes become visible in the order of their revisions: once a reader can see a change, no change
// with a smaller revision appears later. A sequence of an SQL database does not ensure that,
// because transactions may commit in another order than they took their numbers. With such a
// database, each Put first locks one row, the same for all, and then takes its revision. The row
// can hold the latest revision and version of the table.
//
// All methods may be called concurrently. Several Stores, in any number of processes, may be
// connected to one table.
type Store interface {
	// Put writes all records of a batch at once, or none. Each record must have the version that
	// its Write expects; otherwise Put returns an error that wraps ErrVersion.
	//
	// After nil, each Feed that begins later has the batch, unless the engine loses it: see Feed.
	// These errors mean that nothing was written:
	//   - one that wraps ErrVersion;
	//   - one that wraps hostmgr.ErrInvalid: CheckBatch refuses the batch.
	//
	// After any other error it is unknown whether the batch was written, or will be written later.
	// The versions in the feed show it. A Store that repeats a request, because the answer was lost,
	// must not return ErrVersion because of its own write.
	//
	// Put returns soon after ctx has ended. Its error then wraps that of ctx, unless the outcome is
	// known. That includes the error of a connection that ends by itself at the deadline of ctx.
	//
	// An empty batch does nothing. Put does not keep or change the batch and its values.
	Put(ctx context.Context, batch []Write) error

	// Feed calls yield with a snapshot of the table, frame by frame, and then with each change
	// after it, until ctx ends, yield returns false, or the feed has a gap. The rules are at Frame.
	// In short, a Feed of a Store that keeps a log of changes is:
	//
	//	at := the latest change of the table
	//	back := after is not in the history up to at
	//	yield(Frame{Epoch: epoch, Back: back, Revision: at.Revision, Version: at.Version})
	//	for each page of records {
	//		read := the latest change of the table when the page was read
	//		yield(Frame{Epoch: epoch, Revision: at.Revision, Version: at.Version,
	//			Snapshot: page, PageRevision: read.Revision, PageVersion: read.Version})
	//	}
	//	changes := those after at, up to read or later; perhaps none
	//	yield(Frame{Epoch: epoch, Synced: true, Revision: at.Revision, Version: at.Version,
	//		Changes: changes})
	//	for {
	//		at = the last one of changes, if there are any
	//		changes = those after at; if there are none, wait
	//		yield(Frame{Epoch: epoch, Revision: at.Revision, Version: at.Version, Changes: changes})
	//	}
	//
	// One frame may have all of a small table: Back, the page, and Synced.
	//
	// Feed returns nil if yield returned false. Otherwise its error wraps:
	//   - the error of ctx, soon after ctx has ended;
	//   - ErrGap, if it cannot continue with the change that follows the last one: the reader was
	//     too slow and the engine keeps no older changes, or the engine has lost some, or all;
	//   - another error, if the engine fails. A Store may reconnect and continue instead, but only
	//     after the snapshot is complete: all pages are of one history.
	//
	// The caller then starts over. It need not rely on ErrGap: a feed that continues after changes
	// were lost shows a change whose Previous does not fit. So a Store does not have to notice by
	// itself that its engine has gone back.
	//
	// yield is called on the goroutine that called Feed, without a lock. While it runs, Feed may
	// fall behind, but holds up no other call. All goroutines that Feed has started end before it
	// returns.
	//
	// after is the latest change that the caller has read in an earlier feed, perhaps of another
	// Store of the table, or zero. Back, in the first frame, says that this change may be missing in
	// the history of the table. The caller may have records that the snapshot does not have. Without
	// Back, they were deleted. With Back, they may be lost.
	//
	// Back is false in these cases:
	//   - after is zero;
	//   - after has the epoch of the table and Revision 0: that is the beginning of the table;
	//   - the history has a change with the revision and the version of after.
	//
	// Back is true in these cases:
	//   - the epoch of after is another one;
	//   - the revision of after is above that of the table;
	//   - the log reaches back to the revision, but has no change at it, or another version;
	//   - the log does not reach back to the revision. Back may be false, however, if the Store knows
	//     that its engine has lost nothing since: it has not failed over, for instance;
	//   - the Store does not know for another reason.
	//
	// Back is about the history up to the Revision of the first frame. So a Store first reads that
	// revision, and then searches its history for after, in the same node of the engine. It may do
	// both in one transaction. If the engine loses changes before the search, the Store does not find
	// them. If it loses some later, the pages and the changes do not follow the first frame, and the
	// feed does not become Synced.
	Feed(ctx context.Context, after Position, yield func(Frame) bool) error
}

// A Position names one change in the history of a table. So it names the history up to there, too.
// The zero Position is that of a caller that has read nothing. Revision and Version are 0 before
// the first change of the table.
type Position struct {
	Epoch             string // of the table: see Frame
	Revision, Version uint64 // of the change
}

// A Write creates, changes or deletes one record.
type Write struct {
	Key string // 1 to MaxKey bytes of any value
	// Expect is the version of the record that is replaced or deleted, and 0 if there must be none.
	Expect uint64
	// Version is that of the new record, or of the deletion. The writer chooses a random number
	// other than 0, a new one for each Write. So it names one write of one process for ever, even
	// if the engine uses a revision again.
	Version uint64
	Value   []byte // at most MaxValue bytes; may be empty
	Delete  bool   // the record is deleted; Expect is not 0, and Value is empty
}

// A Record is one entry of the table.
type Record struct {
	Key      string
	Revision uint64 // of its latest change
	Version  uint64
	Value    []byte // not to be changed; nil and empty mean the same
}

// A Change is a Write that took place.
//
// Changes are numbered by revisions in their order. They need not be consecutive, because an engine
// may also number what is not in this table. A batch has one revision for all its changes, or one
// for each, as suits the engine.
//
// The revision and the version of a change together name the whole history up to it. An engine that
// has lost changes uses their revisions again, with other versions.
type Change struct {
	Key      string
	Revision uint64 // not below that of the change before; above it between two batches
	Version  uint64
	// Previous is the version of the change before this one, whatever its key. It is 0 for the
	// first change of the table.
	Previous uint64
	Value    []byte // not to be changed; nil and empty mean the same
	Deleted  bool
}

// A Frame is a part of a feed. A reader may keep it, and must not change it.
//
// A feed begins with one or more frames that have a snapshot, in pages. Each page shows its records
// as they were when it was read. The pages need not be of one revision, but none is older than the
// Revision of the first frame. The changes after that revision follow, in the same frames or later
// ones. So a reader meets a record more than once. It keeps the one with the greatest revision, and
// remembers deletions. One frame is Synced: with its changes, all pages and all changes so far make
// up the table as it was at the last change.
//
// A Store sends Synced without waiting for another change. A frame may be empty.
type Frame struct {
	// Epoch names the table. It is not empty, and the same in all frames of a feed. A table that
	// was lost, and began empty, has another one.
	Epoch string

	// Back says that the table may have lost changes which the caller has read: see Feed. It is false
	// in all frames but the first one.
	Back bool

	// Snapshot is a page: records in any order, each in one page. PageRevision and PageVersion are
	// those of the latest change of the table, whatever its key, when the page was read. They are
	// set for a page without records, too, and 0 in a frame without a page. The history up to there
	// includes all that the frames before have shown.
	Snapshot                  []Record
	PageRevision, PageVersion uint64

	Synced bool // in one frame of a feed. Later ones have no page

	// Revision and Version are those of the latest change before Changes: in the first frame, of
	// the table before the first page was read, and then of the latest change of the frames before.
	// Both are 0 if there was none.
	Revision, Version uint64

	Changes []Change // without a gap; all changes of a batch are in one frame
}

// CheckBatch returns an error that wraps hostmgr.ErrInvalid if a batch exceeds a limit, or a Write
// is not valid, or two are for one key. Each Store calls it first.
func CheckBatch(batch []Write) error {
	if len(batch) > MaxWrites {
		return invalid("a batch of %d writes, more than %d", len(batch), MaxWrites)
	}
	size, keys := 0, make(map[string]bool, len(batch))
	for i := range batch {
		w := &batch[i]
		if err := w.check(); err != nil {
			return err
		}
		if keys[w.Key] {
			return invalid("two writes of %q in one batch", w.Key)
		}
		keys[w.Key] = true
		size += len(w.Key) + len(w.Value)
	}
	if size > MaxBatch {
		return invalid("a batch of %d bytes, more than %d", size, MaxBatch)
	}
	return nil
}

func (w *Write) check() error {
	switch {
	case w.Key == "" || len(w.Key) > MaxKey:
		return invalid("a key of %d bytes, not 1 to %d", len(w.Key), MaxKey)
	case len(w.Value) > MaxValue:
		return invalid("a value of %d bytes for %q, more than %d", len(w.Value), w.Key, MaxValue)
	case w.Version == 0 || w.Version == w.Expect:
		return invalid("the write of %q has no new version", w.Key)
	case w.Delete && w.Expect == 0:
		return invalid("the deletion of %q expects no record", w.Key)
	case w.Delete && len(w.Value) > 0:
		return invalid("the deletion of %q has a value", w.Key)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("share: %w: %s", hostmgr.ErrInvalid, fmt.Sprintf(format, args...))
}
