package table

import (
	"maps"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
)

// Lose takes back the last n changes, and the other changes of a batch of which it takes one back.
// So does a failover to a replica that is behind. Their revisions are used again. It takes back
// only what the log has, and returns the number of changes.
func (t *Table) Lose(n int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	keep := max(0, len(t.log)-n)
	for keep > 0 && !t.log[keep-1].last {
		keep--
	}
	lost := t.log[keep:]
	for i := len(lost) - 1; i >= 0; i-- {
		t.undo(&lost[i])
	}
	t.log = t.log[:keep]
	t.goBack()
	return len(lost)
}

func (t *content) undo(e *entry) {
	page := t.page(e.Key)
	if e.was == nil {
		delete(page, e.Key)
	} else {
		page[e.Key] = e.was
	}
	t.latest = e.before
}

// Wipe makes the table empty, with another epoch. So does a restart of an engine that stores
// nothing.
func (t *Table) Wipe() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
}

// Fork returns a table with the same content and epoch. So there are two primaries: a replica that
// was promoted, and one that goes on.
func (t *Table) Fork() *Table {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.goBack() // readers of either table may later read the other one
	return &Table{name: t.name, content: t.replica()}
}

func (t *content) replica() content {
	c := *t
	c.log = slices.Clone(t.log)
	c.pages = make([]map[string]*feed.Record, len(t.pages))
	for i := range t.pages {
		c.pages[i] = maps.Clone(t.pages[i])
	}
	return c
}

// SetDown makes all calls fail with ErrDown, until it is called with false.
func (t *Table) SetDown(down bool) {
	t.mu.Lock()
	t.down = down
	wake := t.takeWake()
	t.mu.Unlock()
	if wake != nil {
		close(wake)
	}
}
