package storetest

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

func (c *check) lifeOfARecord() {
	f := c.follow()
	f.waitSynced()
	step := func(when string, w share.Write) uint64 {
		c.Helper()
		c.put(w)
		c.requireRecords(when, w)
		f.waitFor("a", w.Version)
		c.requireSame(when+", in the feed", f.records(), []share.Write{w})
		return w.Version
	}
	c.requireRecords("at the beginning")
	version := step("after create", c.set("a", 0, "created"))
	version = step("after update", c.set("a", version, "updated"))
	step("after delete", c.remove("a", version))
	version = step("after another create", c.set("a", 0, "created again"))
	step("after an update to the same value", c.set("a", version, "created again"))
}

// refused fails the test if a batch is written, or refused with another error.
func (c *check) refused(why string, want error, batch ...share.Write) {
	c.Helper()
	switch err := c.try(batch...); {
	case err == nil:
		c.Fatalf("%s: Put of %s returned nil", why, c.names(batch))
	case !errors.Is(err, want):
		c.Fatalf("%s: Put returned %q, which does not wrap %q", why, err, want)
	}
}

func (c *check) expectedVersions() {
	a, b := c.set("a", 0, "a"), c.set("b", 0, "b")
	c.refused("update of a record that is not there", share.ErrVersion, c.set("a", 7, "x"))
	c.refused("delete of a record that is not there", share.ErrVersion, c.remove("a", 7))
	c.put(a, b)
	c.refused("create of a record that is there", share.ErrVersion, c.set("a", 0, "x"))
	c.refused("update at the version of another record", share.ErrVersion, c.set("a", b.Version, "x"))
	c.refused("delete at the version of another record", share.ErrVersion, c.remove("a", b.Version))
	c.refused("update at a version that differs in one bit", share.ErrVersion, c.set("a", a.Version^1<<63, "x"))
	c.requireRecords("after writes that were refused", a, b)

	a2 := c.set("a", a.Version, "a2")
	c.put(a2)
	c.refused("update at a former version", share.ErrVersion, c.set("a", a.Version, "x"))
	c.refused("delete at a former version", share.ErrVersion, c.remove("a", a.Version))
	gone := c.remove("b", b.Version)
	c.put(gone)
	c.refused("update at the version of a deleted record", share.ErrVersion, c.set("b", b.Version, "x"))
	c.refused("update at the version of a deletion", share.ErrVersion, c.set("b", gone.Version, "x"))
	c.requireRecords("after more writes that were refused", a2)
}

// atomicBatches has one write that is refused, at the first, a middle, and the last place.
func (c *check) atomicBatches() {
	f := c.follow()
	f.waitSynced()
	there := c.set("there", 0, "there")
	gone := c.set("gone", 0, "gone")
	c.put(there, gone)
	for _, at := range []int{0, 5, 10} {
		batch := []share.Write{c.remove("gone", gone.Version)}
		for i := range 9 {
			batch = append(batch, c.set("new"+strconv.Itoa(i), 0, "new"))
		}
		batch = slices.Insert(batch, at, c.set("there", 0, "wrong"))
		c.refused("one of 11 writes expects another version", share.ErrVersion, batch...)
		c.requireRecords("after a batch that was refused", there, gone)
	}
	end := c.set("end", 0, "end")
	c.put(end)
	f.waitFor("end", end.Version)
	if n := len(c.own(changes(f.all()))); n != 3 {
		c.Fatalf("the feed has %d changes, but 3 were written: it shows some that were refused", n)
	}
}

func (c *check) invalidBatches() {
	there := c.set("there", 0, "there")
	c.put(there)
	many := make([]share.Write, share.MaxWrites+1)
	for i := range many {
		many[i] = c.set(strconv.Itoa(i), 0, "")
	}
	large := slices.Clone(many[:17])
	for i := range large {
		large[i].Value = make([]byte, share.MaxBatch/16)
	}
	ok := c.set("ok", 0, "ok")
	for why, batch := range map[string][]share.Write{
		"too many writes":          many,
		"too many bytes":           large,
		"an empty key":             {ok, {Version: 1}},
		"a long key":               {ok, {Key: strings.Repeat("k", share.MaxKey+1), Version: 1}},
		"a long value":             {ok, c.set("a", 0, strings.Repeat("v", share.MaxValue+1))},
		"no version":               {ok, {Key: c.prefix + "a"}},
		"the expected version":     {ok, {Key: there.Key, Expect: there.Version, Version: there.Version}},
		"a delete without version": {ok, c.remove("a", 0)},
		"a delete with a value":    {ok, {Key: there.Key, Expect: there.Version, Version: 1, Value: []byte("v"), Delete: true}},
		"one key twice":            {ok, c.set("a", 0, "1"), c.set("a", 0, "2")},
		"one key twice, in turn":   {ok, c.remove("there", there.Version), c.set("there", 0, "2")},
	} {
		c.refused(why, hostmgr.ErrInvalid, batch...)
	}
	c.requireRecords("after batches that are not valid", there)
}

func (c *check) emptyBatch() {
	f := c.follow()
	f.waitSynced()
	if err := c.try(); err != nil {
		c.Fatalf("Put of no writes: %v", err)
	}
	end := c.set("end", 0, "end")
	c.put(end)
	f.waitFor("end", end.Version)
	if n := len(c.own(changes(f.all()))); n != 1 {
		c.Fatalf("the feed has %d changes, but one was written", n)
	}
}

func (c *check) limits() {
	f := c.follow()
	f.waitSynced()
	var writes []share.Write
	for i := range share.MaxWrites {
		writes = append(writes, c.set(strconv.Itoa(i), 0, strconv.Itoa(i)))
	}
	c.put(writes...)
	for i := range writes {
		writes[i] = c.set(strconv.Itoa(i), writes[i].Version, "again")
	}
	c.put(writes...)
	long := strings.Repeat("k", share.MaxKey-len(c.prefix))
	key := c.set(long, 0, "the longest key")
	c.put(key)
	var large []share.Write
	rest := share.MaxBatch
	for i := 0; rest > 0; i++ {
		w := c.set("large"+strconv.Itoa(i), 0, "")
		w.Value = bytes.Repeat([]byte{byte(i)}, min(share.MaxValue, rest-len(w.Key)))
		large, rest = append(large, w), rest-len(w.Key)-len(w.Value)
	}
	c.put(large...)
	f.waitFor(c.bare(large[len(large)-1].Key), large[len(large)-1].Version)
	all := slices.Concat(writes, []share.Write{key}, large)
	c.requireSame("in the feed", f.records(), all)
	c.requireRecords("in a snapshot", all...)
}

func (c *check) anyKeys() {
	f := c.follow()
	f.waitSynced()
	var writes []share.Write
	add := func(key string) { writes = append(writes, c.set(key, 0, "value of "+key)) }
	for b := range 256 {
		add("byte" + string([]byte{byte(b)}))
	}
	for _, key := range []string{
		"", "a", "A", "a ", " a", "a/", "a/b", "a\x00", "a\x00b", "a:b", "{a}", "a*", "a?", "[a]", "a\n", "a\r\n", "\\a", "'a'", `"a"`,
		"a\xff\xfe", "\xc3\x28", "ä", "a\u0308", "\u00e4", "0", "00", "-1", "1e3", "nil", "../a", "%00", "a\xed\xa0\x80",
	} {
		if !slices.ContainsFunc(writes, func(w share.Write) bool { return w.Key == c.prefix+key }) {
			add(key)
		}
	}
	for batch := range slices.Chunk(writes, share.MaxWrites) {
		c.put(batch...)
	}
	last := writes[len(writes)-1]
	f.waitFor(c.bare(last.Key), last.Version)
	c.requireSame("in the feed", f.records(), writes)
	c.requireRecords("in a snapshot", writes...)
}

func (c *check) anyValues() {
	f := c.follow()
	f.waitSynced()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	var writes []share.Write
	for i, value := range []string{"", "0", "nil", "\x00", string(every), "\xff\xfe", strings.Repeat("\x00", 1000), "{}", "\r\n$-1\r\n"} {
		writes = append(writes, c.set(strconv.Itoa(i), 0, value))
	}
	c.put(writes...)
	w := c.set("empty", 0, "not empty")
	c.put(w)
	w = c.set("empty", w.Version, "")
	w.Value = nil
	c.put(w)
	writes = append(writes, w)
	f.waitFor("empty", w.Version)
	c.requireSame("in the feed", f.records(), writes)
	c.requireRecords("in a snapshot", writes...)
	w2 := c.set("empty", w.Version, "not empty")
	c.put(w2)
	c.requireRecords("after an update of an empty value", append(writes, w2)...)
}

// anyVersions has numbers that do not fit an int64 or a float64, and some that a float64 rounds to
// the same.
func (c *check) anyVersions() {
	f := c.follow()
	f.waitSynced()
	expect := uint64(0)
	var w share.Write
	for _, v := range []uint64{1, math.MaxUint64, 1 << 63, 1<<63 + 1, 1<<53 + 1, 1 << 53, 1<<53 - 1, 1 << 32, 10, 100, math.MaxUint64 - 1} {
		w = c.set("a", expect, strconv.FormatUint(v, 10))
		w.Version = v
		c.put(w)
		if other := c.set("a", v^1, "x"); other.Expect != 0 {
			c.refused("the expected version differs in the lowest bit", share.ErrVersion, other)
		}
		f.waitFor("a", v)
		expect = v
	}
	c.requireRecords("at the end", w)
	gone := c.remove("a", expect)
	gone.Version = 1<<63 - 1
	c.put(gone)
	f.waitFor("a", gone.Version)
}

func (c *check) callersBatch() {
	f := c.follow()
	f.waitSynced()
	batch := []share.Write{c.set("a", 0, "value of a"), c.set("b", 0, "value of b")}
	want := make([]share.Write, len(batch))
	for i, w := range batch {
		w.Value = bytes.Clone(w.Value)
		want[i] = w
	}
	c.put(batch...)
	for i, w := range batch {
		if w.Key != want[i].Key || w.Expect != want[i].Expect || w.Version != want[i].Version || !bytes.Equal(w.Value, want[i].Value) {
			c.Fatalf("Put has changed the batch of its caller")
		}
	}
	for i := range batch {
		copy(batch[i].Value, "xxxxxxxxxxxxxxxx")
		batch[i] = share.Write{}
	}
	f.waitFor("b", want[1].Version)
	c.requireSame("in the feed, after the caller has used its memory again", f.records(), want)
	c.requireRecords("in a snapshot, after the caller has used its memory again", want...)
}
