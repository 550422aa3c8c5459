// Package feed checks the feed of a table and puts it in order. It is pure: no goroutine, no clock,
// no lock. Its types have the fields of those of package share, which describes them.
package feed

// A Position is a place in the history of a table.
type Position struct {
	Epoch             string
	Revision, Version uint64
}

// A Record is one entry of the table.
type Record struct {
	Key      string
	Revision uint64
	Version  uint64
	Value    []byte
}

// A Change is a write that took place.
type Change struct {
	Key      string
	Revision uint64
	Version  uint64
	Previous uint64
	Value    []byte
	Deleted  bool
}

// A Frame is a part of a feed.
type Frame struct {
	Epoch                     string
	Back                      bool
	Snapshot                  []Record
	PageRevision, PageVersion uint64
	Synced                    bool
	Revision, Version         uint64
	Changes                   []Change
}
