package hostredis

import (
	"fmt"
	"strconv"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A page is a part of the snapshot.
type page struct {
	at      mark // when it was read
	records []share.Record
	buckets int  // that it shows
	back    bool // the position may be missing in the history
}

// page reads some of n buckets from a number on. With the first one it looks for the position, in
// the same call of the script.
func (f *feed) page(first, n int, after share.Position) (p page, err error) {
	look := ""
	if first == 0 && after.Revision > 0 {
		look = strconv.FormatUint(after.Revision, 10)
	}
	reply, err := f.store.run(f.ctx, f.line.client, f.store.keys.some(first, n), "page", look, pageRecords, pageBytes)
	if err != nil {
		return p, fmt.Errorf("hostredis: %w", err)
	}
	if p.at, err = markOf(reply); err != nil {
		return p, err
	}
	if p.buckets = len(reply) - 5; p.buckets < 1 || p.buckets > n {
		return p, errReply
	}
	skipped := 0
	if p.records, skipped, err = pageOf(reply[5:], p.at.revision); err != nil {
		return p, err
	}
	if skipped > 0 {
		f.store.warn(f.ctx, "records", "records in Redis are not well-formed, and were skipped", "records", skipped)
	}
	p.back = goneBack(after, p.at, reply[4])
	return p, nil
}

// goneBack returns whether a position may be missing in the history up to a mark. found is the entry
// of the log at its revision, if there is one. If the log does not reach back, the answer is yes.
func goneBack(after share.Position, at mark, found any) bool {
	switch {
	case after == share.Position{}:
		return false
	case after.Epoch != at.epoch || after.Revision > at.revision:
		return true
	case after.Revision == 0:
		return false
	case after.Revision == at.revision:
		return after.Version != at.version
	}
	entries, err := entriesOf(found)
	if err != nil || len(entries) != 1 {
		return true
	}
	last := entries[0].last()
	return last.Revision != after.Revision || last.Version != after.Version
}
