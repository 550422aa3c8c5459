package hostredis

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A feed that is at revision 8 does not go on with an entry that does not follow.
func TestFeedFollowsOneHistory(t *testing.T) {
	next := func(epoch string, revision, version, previous uint64) entry {
		return entry{epoch, []share.Change{{Key: "k", Revision: revision, Version: version, Previous: previous}}}
	}
	for name, x := range map[string]struct {
		entry entry
		gap   bool
	}{
		"the next change":    {next("e", 9, 90, 80), false},
		"another history":    {next("e", 9, 90, 81), true},
		"a change is missed": {next("e", 10, 90, 80), true},
		"a change again":     {next("e", 8, 80, 80), true},
		"another epoch":      {next("f", 9, 90, 80), true},
	} {
		f := &feed{ctx: t.Context(), at: mark{"e", 8, 80}, yield: func(share.Frame) bool { return true }}
		if err := f.send(share.Frame{}, []entry{x.entry}); x.gap {
			require.ErrorIs(t, err, share.ErrGap, name)
		} else {
			require.NoError(t, err, name)
			require.Equal(t, mark{"e", 9, 90}, f.at)
		}
	}
}

// A feed at revision 8 compares the mark of the table.
func TestFeedComparesMarks(t *testing.T) {
	for name, x := range map[string]struct {
		mark mark
		more bool
		gap  bool
	}{
		"nothing new":                         {mark{"e", 8, 80}, false, false},
		"more in the log":                     {mark{"e", 9, 90}, true, false},
		"more, but not in the log":            {mark{"e", 9, 90}, false, true},
		"another epoch":                       {mark{"f", 9, 90}, true, true},
		"the latest change was lost":          {mark{"e", 7, 70}, false, true},
		"it was lost, and another one came":   {mark{"e", 8, 81}, false, true},
		"all were lost, and others came":      {mark{"f", 8, 80}, false, true},
		"the table is at its beginning again": {mark{"e", 0, 0}, false, true},
	} {
		f := &feed{at: mark{"e", 8, 80}}
		if err := f.compare(x.mark, x.more); x.gap {
			require.ErrorIs(t, err, share.ErrGap, name)
		} else {
			require.NoError(t, err, name)
		}
	}
}

// Pages have shown changes up to revision 9. Then the table has gone back to the first page.
func TestFeedDoesNotWaitForChangesThatAreLost(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer func() { require.NoError(t, client.Close()) }()
	s, err := New(Config{Client: client})
	require.NoError(t, err)
	f := &feed{store: s, ctx: t.Context(), yield: func(share.Frame) bool { return true }}
	require.NoError(t, f.connect())
	defer f.hangUp()
	p, err := f.page(0, buckets, share.Position{})
	require.NoError(t, err)
	f.at = p.at
	require.ErrorIs(t, f.catchUp(9), share.ErrGap)
}
