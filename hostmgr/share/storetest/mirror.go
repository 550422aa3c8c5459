package storetest

import (
	"strings"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A mirror is a table as a feed shows it: of each key, the change with the greatest revision. It
// remembers all deletions.
type mirror map[string]share.Change

func (m mirror) frame(f *share.Frame) {
	for _, r := range f.Snapshot {
		m.change(share.Change{Key: r.Key, Revision: r.Revision, Version: r.Version, Value: r.Value})
	}
	for _, c := range f.Changes {
		m.change(c)
	}
}

func (m mirror) change(c share.Change) {
	if known, ok := m[c.Key]; !ok || known.Revision < c.Revision {
		m[c.Key] = c
	}
}

// visible returns the records whose keys have a prefix.
func (m mirror) visible(prefix string) map[string]share.Record {
	records := map[string]share.Record{}
	for key, c := range m {
		if !c.Deleted && strings.HasPrefix(key, prefix) {
			records[key] = share.Record{Key: key, Revision: c.Revision, Version: c.Version, Value: c.Value}
		}
	}
	return records
}
