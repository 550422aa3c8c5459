package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// fill writes n records with keys from a number on.
func (c *check) fill(first, n int) (writes []share.Write) {
	c.Helper()
	for i := range n {
		key := strconv.Itoa(first + i)
		writes = append(writes, c.set(key, 0, "value of "+key))
	}
	for batch := range slices.Chunk(writes, share.MaxWrites) {
		c.put(batch...)
	}
	return writes
}

func (c *check) wholeSnapshot() {
	writes := c.fill(0, 1000)
	for i := range 100 {
		w := c.remove(strconv.Itoa(i*7), writes[i*7].Version)
		c.put(w)
		writes = append(writes, w)
	}
	f := c.follow()
	f.waitSynced()
	f.end()
	c.requireSame("in the snapshot", f.records(), writes)
	times := map[string]int{}
	for _, x := range f.all() {
		for _, r := range x.Snapshot {
			if times[r.Key]++; times[r.Key] > 1 {
				c.Fatalf("%q is in the snapshot more than once", c.short(r.Key))
			}
		}
	}
}

func (c *check) idleSnapshot() {
	c.follow().waitSynced() // of a table that may be empty
	w := c.set("a", 0, "a")
	c.put(w)
	f := c.follow()
	f.waitSynced()
	c.requireSame("in the snapshot", f.records(), []share.Write{w})
}

func (c *check) changesInOrder() {
	f := c.follow()
	f.waitSynced()
	var want []share.Write
	expect := map[string]uint64{}
	for i := range 300 {
		key := strconv.Itoa(i % 7)
		w := c.set(key, expect[key], strconv.Itoa(i))
		if expect[key] != 0 && i%5 == 0 {
			w = c.remove(key, expect[key])
		}
		if expect[key] = w.Version; w.Delete {
			delete(expect, key)
		}
		c.put(w)
		want = append(want, w)
	}
	last := want[len(want)-1]
	f.waitFor(c.bare(last.Key), last.Version)
	got := c.own(changes(f.all()))
	for i, w := range want {
		switch {
		case i >= len(got):
			c.Fatalf("the feed has %d changes, but %d were written", len(got), len(want))
		case got[i].Key != w.Key || got[i].Version != w.Version:
			c.Fatalf("change %d is %q at version %d, not %q at version %d",
				i, c.short(got[i].Key), got[i].Version, c.short(w.Key), w.Version)
		case got[i].Deleted != w.Delete || !bytes.Equal(got[i].Value, w.Value):
			c.Fatalf("change %d: deleted %v, value %.60q, not deleted %v, value %.60q", i, got[i].Deleted, got[i].Value, w.Delete, w.Value)
		}
	}
	if len(got) > len(want) {
		c.Fatalf("the feed has %d changes, but %d were written", len(got), len(want))
	}
}

func (c *check) chainOfFrames() {
	c.fill(0, 300)
	f := c.follow()
	c.fill(300, 300) // while the snapshot is read
	f.waitSynced()
	writes := c.fill(600, 300)
	last := writes[len(writes)-1]
	f.waitFor(c.bare(last.Key), last.Version)
	f.end()
	if err := checkChain(f.all()); err != nil {
		c.Fatal(err)
	}
}

// wholeBatches writes batches that differ in what they do.
func (c *check) wholeBatches() {
	f := c.follow()
	f.waitSynced()
	batchOf := map[uint64]int{} // by version
	expect := map[int]uint64{}
	for n := range 60 {
		var batch []share.Write
		for k := range 1 + n {
			w := c.set(strconv.Itoa(k), expect[k], fmt.Sprint(n))
			if expect[k] != 0 && k%3 == 0 {
				w = c.remove(strconv.Itoa(k), expect[k])
			}
			if expect[k] = w.Version; w.Delete {
				delete(expect, k)
			}
			batch = append(batch, w)
			batchOf[w.Version] = n
		}
		c.put(batch...)
	}
	end := c.set("end", 0, "end")
	c.put(end)
	f.waitFor("end", end.Version)
	frameOf := map[int]int{}
	for i, x := range f.all() {
		for _, ch := range c.own(x.Changes) {
			n, ok := batchOf[ch.Version]
			if at, seen := frameOf[n]; ok && seen && at != i {
				c.Fatalf("the %d changes of one batch are in more than one frame", n+1)
			}
			if ok {
				frameOf[n] = i
			}
		}
	}
}

// constantFrames compares all frames with copies that were made when they came.
func (c *check) constantFrames() {
	c.fill(0, 300)
	f := c.follow()
	f.waitSynced()
	writes := c.fill(300, 300)
	for _, w := range writes[:20] { // each comes in another frame
		next := c.set(c.bare(w.Key), w.Version, "updated")
		c.put(next)
		f.waitFor(c.bare(w.Key), next.Version)
	}
	f.end()
	if i := f.changedFrame(); i >= 0 {
		c.Fatalf("frame %d has changed after yield returned", i)
	}
}

// changedFrame returns the number of a frame that differs from its copy, or -1.
func (f *follower) changedFrame() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.frames {
		if !sameFrame(&f.frames[i], &f.copies[i]) {
			return i
		}
	}
	return -1
}

func sameFrame(a, b *share.Frame) bool {
	return slices.EqualFunc(a.Snapshot, b.Snapshot, func(x, y share.Record) bool {
		return x.Key == y.Key && x.Revision == y.Revision && x.Version == y.Version && bytes.Equal(x.Value, y.Value)
	}) && slices.EqualFunc(a.Changes, b.Changes, func(x, y share.Change) bool {
		return x.Key == y.Key && x.Revision == y.Revision && x.Version == y.Version && bytes.Equal(x.Value, y.Value)
	})
}

func (c *check) sameNumbers() {
	a := c.follow()
	a.waitSynced()
	writes := c.fill(0, 50)
	b := c.follow()
	b.waitSynced()
	writes = append(writes, c.fill(50, 50)...)
	last := writes[len(writes)-1]
	numbers := map[uint64]uint64{} // the revision of each version
	for _, f := range []*follower{a, b, c.follow()} {
		f.waitFor(c.bare(last.Key), last.Version)
		f.end()
		for _, r := range f.latest() {
			if n, ok := numbers[r.Version]; ok && n != r.Revision {
				c.Fatalf("the change of %q has revision %d in one feed, and %d in another one", c.short(r.Key), n, r.Revision)
			}
			numbers[r.Version] = r.Revision
		}
	}
	epochs := map[string]bool{}
	for _, f := range c.followers {
		epochs[f.all()[0].Epoch] = true
	}
	if len(epochs) > 1 {
		c.Fatalf("the feeds of one table have %d epochs", len(epochs))
	}
}

func (c *check) feedsAgain() {
	var writes []share.Write
	for i := range 20 {
		writes = append(writes, c.fill(i, 1)...)
		f, g := c.follow(), c.follow()
		f.waitSynced()
		g.waitSynced()
		f.end()
		writes = append(writes, c.fill(100+i, 1)...)
		last := writes[len(writes)-1]
		g.waitFor(c.bare(last.Key), last.Version)
		g.end()
		c.requireSame("in a feed", g.records(), writes)
	}
}
