package hostredis

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// body returns changes as the script writes them.
func body(changes []share.Change) string {
	var b strings.Builder
	for _, c := range changes {
		op := 's'
		if c.Deleted {
			op = 'd'
		}
		fmt.Fprintf(&b, "%c%016x%d %d %s%s", op, c.Version, len(c.Key), len(c.Value), c.Key, c.Value)
	}
	return b.String()
}

func TestEntryIsDecoded(t *testing.T) {
	want := []share.Change{
		{Key: "a", Revision: 6, Version: math.MaxUint64, Previous: 7, Value: []byte("value s 1 2")},
		{Key: "b c", Revision: 7, Version: 1, Previous: math.MaxUint64, Value: []byte{}},
		{Key: "\x00 1", Revision: 8, Version: 1 << 63, Previous: 1, Value: []byte{}, Deleted: true},
	}
	e, err := entryOf("8-0", "e", "0000000000000007", body(want))
	require.NoError(t, err)
	require.Equal(t, entry{"e", want}, e)
}

func TestMalformedEntriesAreErrors(t *testing.T) {
	good := body([]share.Change{{Key: "k", Version: 1, Value: []byte("v")}})
	for _, x := range [][4]string{
		{"", "e", "0000000000000001", good},
		{"1", "e", "0000000000000001", good},
		{"1-1", "e", "0000000000000001", good},
		{"0-0", "e", "0000000000000001", good},
		{"9999999999999999-0", "e", "0000000000000001", good},
		{"1-0", "", "0000000000000001", good},
		{"1-0", "e", "000000000000000A", good},
		{"1-0", "e", "1", good},
		{"1-0", "e", "0000000000000001", ""},
		{"1-0", "e", "0000000000000001", good + good},
		{"1-0", "e", "0000000000000001", "x" + good[1:]},
		{"1-0", "e", "0000000000000001", "d" + good[1:]},
		{"1-0", "e", "0000000000000001", good[:len(good)-1]},
		{"1-0", "e", "0000000000000001", strings.Replace(good, "1 1", "18446744073709551615 1", 1)},
		{"1-0", "e", "0000000000000001", "s0000000000000000" + good[17:]},
		{"200-0", "e", "0000000000000001", strings.Repeat(good, share.MaxWrites+1)},
	} {
		_, err := entryOf(x[0], x[1], x[2], x[3])
		require.ErrorIs(t, err, errReply, "%q", x)
	}
}

func FuzzEntry(f *testing.F) {
	f.Add("8-0", "e", "0000000000000007", body([]share.Change{{Key: "k", Version: 1, Value: []byte("v")}, {Key: "l", Version: 2, Deleted: true}}))
	f.Add("1-0", "e", "", "s00000000000000010 0 ")
	f.Fuzz(func(t *testing.T, id, epoch, previous, text string) {
		e, err := entryOf(id, epoch, previous, text)
		if err != nil {
			return
		}
		require.Equal(t, id, strconv.FormatUint(e.last().Revision, 10)+"-0")
		require.Equal(t, previous, fmt.Sprintf("%016x", e.first().Previous))
		before := e.first().Previous
		for _, c := range e.changes {
			require.Equal(t, before, c.Previous)
			require.NotZero(t, c.Revision)
			require.NotEmpty(t, c.Key)
			before = c.Version
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add("0000000000000007 12 value", uint64(12))
	f.Add("0000000000000007 012 ", uint64(1<<60))
	f.Fuzz(func(t *testing.T, text string, latest uint64) {
		r, ok := recordOf("k", text, latest)
		if !ok {
			return
		}
		require.NotZero(t, r.Version)
		require.LessOrEqual(t, r.Revision, latest)
		require.True(t, strings.HasPrefix(text, fmt.Sprintf("%016x ", r.Version)))
		require.True(t, strings.HasSuffix(text, " "+string(r.Value)))
	})
}

// Redis, or what answers at its address, may send anything.
func TestMalformedRepliesAreErrors(t *testing.T) {
	for _, reply := range [][]any{
		{"ok"},
		{"no", "e", "1", "0000000000000001", []any{}},
		{"ok", "", "1", "0000000000000001", []any{}},
		{"ok", "e", "-1", "0000000000000001", []any{}},
		{"ok", "e", int64(1), "0000000000000001", []any{}},
		{"ok", "e", "1", "0", []any{}},
		{"ok", "e", "0", "0000000000000001", []any{}},
		{"ok", "e", "1", "0000000000000000", []any{}},
		{nil, nil, nil, nil, nil},
	} {
		_, err := markOf(reply)
		require.ErrorIs(t, err, errReply, "%v", reply)
	}
	for _, reply := range []any{nil, "x", int64(1), []any{nil}, []any{"x"}, []any{[]any{"1-0"}}, []any{[]any{"1-0", "x"}}, []any{[]any{"1-0", []any{"e"}}}} {
		_, err := entriesOf(reply)
		require.ErrorIs(t, err, errReply, "%v", reply)
	}
	for _, reply := range [][]any{{nil}, {"x"}, {[]any{"k"}}} {
		_, _, err := pageOf(reply, 1)
		require.ErrorIs(t, err, errReply, "%v", reply)
	}
	page, skipped, err := pageOf([]any{[]any{"k", "x", nil, nil, "", "0000000000000001 1 v", "l", "0000000000000001 1 v", "m", "0000000000000001 2 v"}}, 1)
	require.NoError(t, err)
	require.Equal(t, 4, skipped)
	require.Equal(t, []share.Record{{Key: "l", Revision: 1, Version: 1, Value: []byte("v")}}, page)
}

// A position that the log does not have may be missing.
func TestPositionIsSought(t *testing.T) {
	at := mark{"e", 8, 80}
	found := []any{[]any{"5-0", []any{"e", "e", "p", "0000000000000028", "b", body([]share.Change{{Key: "k", Version: 50}})}}}
	for _, x := range []struct {
		after share.Position
		found any
		back  bool
	}{
		{share.Position{}, []any{}, false},
		{share.Position{Epoch: "e"}, []any{}, false},
		{share.Position{Epoch: "f"}, []any{}, true},
		{share.Position{Epoch: "e", Revision: 8, Version: 80}, []any{}, false},
		{share.Position{Epoch: "e", Revision: 8, Version: 81}, []any{}, true},
		{share.Position{Epoch: "e", Revision: 9, Version: 80}, []any{}, true},
		{share.Position{Epoch: "e", Revision: 5, Version: 50}, found, false},
		{share.Position{Epoch: "f", Revision: 5, Version: 50}, found, true},
		{share.Position{Epoch: "e", Revision: 5, Version: 51}, found, true},
		{share.Position{Epoch: "e", Revision: 4, Version: 50}, found, true},
		{share.Position{Epoch: "e", Revision: 5, Version: 50}, []any{}, true},
		{share.Position{Epoch: "e", Revision: 5, Version: 50}, nil, true},
	} {
		require.Equal(t, x.back, goneBack(x.after, at, x.found), "%v", x)
	}
}
